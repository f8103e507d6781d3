import { expect, test, vi } from "vitest";
import { VirtualClock } from "../async/virtual-clock.ts";
import { Permits } from "./permits.ts";

test("take() lets waiters through in order", async () => {
  const clock = new VirtualClock();
  const permits = new Permits(1, 10, clock);
  await permits.take(100);
  const order: number[] = [];
  const waiting = [1, 2, 3].map((number) => permits.take(100).then(() => order.push(number)));
  expect(permits.waiting).toBe(3);
  for (let given = 0; given < 3; given++) permits.give();
  await Promise.all(waiting);
  expect(order).toEqual([1, 2, 3]);
  expect(clock.pending).toBe(0);
});

test("take() gives up at its deadline, and the permit goes to the next", async () => {
  const clock = new VirtualClock();
  const permits = new Permits(1, 10, clock);
  await permits.take(100);
  const early = expect(permits.take(50)).rejects.toMatchObject({ code: "deadline_exceeded" });
  const late = vi.fn();
  const served = permits.take(200).then(late);
  await clock.advance(100);
  await early;
  expect(late).not.toHaveBeenCalled();
  permits.give();
  await served;
  await expect(permits.take(0)).rejects.toMatchObject({ code: "deadline_exceeded" });
});

test("take() refuses when too many wait", async () => {
  const permits = new Permits(1, 1, new VirtualClock());
  await permits.take(100);
  void permits.take(100);
  await expect(permits.take(100)).rejects.toMatchObject({
    code: "resource_exhausted",
    retryAfterMs: expect.any(Number),
  });
});

test("idle() resolves with the last permit given back, or after its time", async () => {
  const clock = new VirtualClock();
  const permits = new Permits(2, 10, clock);
  await permits.idle(1_000);
  await permits.take(100);
  const late = permits.idle(1_000);
  await clock.advance(1_000);
  await late;
  const prompt = permits.idle(1_000);
  permits.give();
  await prompt;
  expect(clock.pending).toBe(0);
});
