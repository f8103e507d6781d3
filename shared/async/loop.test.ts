import { expect, test, vi } from "vitest";
import { Loop } from "./loop.ts";
import { VirtualClock } from "./test/virtual-clock.ts";

function openLoop(step: () => Promise<number>) {
  const clock = new VirtualClock();
  const onError = vi.fn<(error: unknown) => void>();
  const loop = new Loop({ clock, step, onError, backoffMs: 100, backoffMaxMs: 300 });
  return { clock, loop, onError };
}

test("a loop waits as long as the step returns", async () => {
  const step = vi.fn<() => Promise<number>>().mockResolvedValueOnce(0).mockResolvedValue(500);
  const { clock, loop } = openLoop(step);
  loop.start();
  await clock.advance(499);
  expect(step).toHaveBeenCalledTimes(2);
  await clock.advance(1);
  expect(step).toHaveBeenCalledTimes(3);
});

test("wake() ends the wait, also when called during a step", async () => {
  let finish = (_waitMs: number) => {};
  const step = vi.fn(() => new Promise<number>((resolve) => finish = resolve));
  const { clock, loop } = openLoop(step);
  loop.start();
  loop.wake();
  finish(500);
  await clock.advance(0);
  expect(step).toHaveBeenCalledTimes(2);
  finish(500);
  await clock.advance(10);
  loop.wake();
  await clock.advance(0);
  expect(step).toHaveBeenCalledTimes(3);
  expect(clock.pending).toBe(0);
});

test("a failed step is retried after a growing pause that wake() does not shorten", async () => {
  const step = vi.fn<() => Promise<number>>().mockRejectedValue(new Error("away"));
  const { clock, loop, onError } = openLoop(step);
  loop.start();
  await clock.advance(0);
  for (const pauseMs of [100, 200, 300, 300]) {
    const before = step.mock.calls.length;
    loop.wake();
    await clock.advance(pauseMs - 1);
    expect(step).toHaveBeenCalledTimes(before);
    await clock.advance(1);
    expect(step).toHaveBeenCalledTimes(before + 1);
  }
  expect(onError).toHaveBeenCalledTimes(5);
});

test("close() waits for the step in progress and starts no other", async () => {
  let finish = (_waitMs: number) => {};
  const step = vi.fn(() => new Promise<number>((resolve) => finish = resolve));
  const { clock, loop } = openLoop(step);
  loop.start();
  const closed = vi.fn();
  const closing = loop.close().then(closed);
  await clock.advance(1_000);
  expect(closed).not.toHaveBeenCalled();
  finish(0);
  await closing;
  expect(step).toHaveBeenCalledTimes(1);
});

test("close() ends a wait at once", async () => {
  const { clock, loop } = openLoop(() => Promise.resolve(60_000));
  loop.start();
  await clock.advance(0);
  await loop.close();
  expect(clock.pending).toBe(0);
});
