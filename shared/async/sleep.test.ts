import { expect, test } from "vitest";
import { sleep } from "./request-context.ts";
import { VirtualClock } from "./test/virtual-clock.ts";

test("sleep() resolves after the delay and not earlier", async () => {
  const clock = new VirtualClock();
  let awake = false;
  void sleep(clock, 100).then(() => awake = true);
  await clock.advance(99);
  expect(awake).toBe(false);
  await clock.advance(1);
  expect(awake).toBe(true);
});

test("sleep() rejects with the signal's reason and cancels its timer", async () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const sleeping = sleep(clock, 100, controller.signal);
  controller.abort(new Error("enough"));
  await expect(sleeping).rejects.toThrow("enough");
  expect(clock.pending).toBe(0);
});

test("sleep() sets no timer if the signal has aborted", async () => {
  const clock = new VirtualClock();
  const sleeping = sleep(clock, 100, AbortSignal.abort(new Error("too late")));
  await expect(sleeping).rejects.toThrow("too late");
  expect(clock.pending).toBe(0);
});
