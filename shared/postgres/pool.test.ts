import { expect, test, vi } from "vitest";
import { VirtualClock } from "../async/test/virtual-clock.ts";
import { Semaphore } from "./pool.ts";

test("acquire() admits waiters in order", async () => {
  const clock = new VirtualClock();
  const semaphore = new Semaphore(1, 10, clock);
  await semaphore.acquire(100);
  const order: number[] = [];
  const waiting = [1, 2, 3].map((number) => semaphore.acquire(100).then(() => order.push(number)));
  for (let given = 0; given < 3; given++) semaphore.release();
  await Promise.all(waiting);
  expect(order).toEqual([1, 2, 3]);
  expect(clock.pending).toBe(0);
});

test("acquire() rejects at its deadline, and the next waiter is admitted", async () => {
  const clock = new VirtualClock();
  const semaphore = new Semaphore(1, 10, clock);
  await semaphore.acquire(100);
  const early = expect(semaphore.acquire(50)).rejects.toMatchObject({ code: "deadline_exceeded" });
  const late = vi.fn();
  const served = semaphore.acquire(200).then(late);
  await clock.advance(100);
  await early;
  expect(late).not.toHaveBeenCalled();
  semaphore.release();
  await served;
  await expect(semaphore.acquire(0)).rejects.toMatchObject({ code: "deadline_exceeded" });
});

test("acquire() rejects when too many wait", async () => {
  const semaphore = new Semaphore(1, 1, new VirtualClock());
  await semaphore.acquire(100);
  void semaphore.acquire(100);
  await expect(semaphore.acquire(100)).rejects.toMatchObject({
    code: "resource_exhausted",
    retryAfterMs: expect.any(Number),
  });
});

test("idle() resolves with the last release, or after its timeout", async () => {
  const clock = new VirtualClock();
  const semaphore = new Semaphore(2, 10, clock);
  await semaphore.idle(1_000);
  await semaphore.acquire(100);
  const late = semaphore.idle(1_000);
  await clock.advance(1_000);
  await late;
  const prompt = semaphore.idle(1_000);
  semaphore.release();
  await prompt;
  expect(clock.pending).toBe(0);
});
