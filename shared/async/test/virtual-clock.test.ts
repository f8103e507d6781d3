import { expect, test } from "vitest";
import { VirtualClock } from "./virtual-clock.ts";

test("VirtualClock stands still until it is advanced, on both scales", async () => {
  const clock = new VirtualClock();
  const epochMs = clock.epochMs();
  await clock.advance(250);
  expect(clock.now()).toBe(250);
  expect(clock.epochMs() - epochMs).toBe(250);
});

test("VirtualClock fires timers by time, then by age, each at its own time", async () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  const note = (name: string) => () => fired.push(`${name} at ${clock.now()}`);
  clock.setTimer(20, note("late"));
  clock.setTimer(10, note("first"));
  clock.setTimer(10, note("second"));
  clock.setTimer(31, note("beyond"));
  await clock.advance(30);
  expect(fired).toEqual(["first at 10", "second at 10", "late at 20"]);
  expect(clock.pending).toBe(1);
});

test("VirtualClock fires a timer that another one has set", async () => {
  const clock = new VirtualClock();
  const firedAt: number[] = [];
  clock.setTimer(10, () => void Promise.resolve().then(() => clock.setTimer(5, note)));
  const note = () => firedAt.push(clock.now());
  await clock.advance(15);
  expect(firedAt).toEqual([15]);
});

test("VirtualClock does not fire a cancelled timer", async () => {
  const clock = new VirtualClock();
  let fired = false;
  clock.setTimer(10, () => fired = true)();
  await clock.advance(10);
  expect(fired).toBe(false);
  expect(clock.pending).toBe(0);
});

test("VirtualClock fires timers late that were due during a stall", async () => {
  const clock = new VirtualClock();
  const firedAt: number[] = [];
  for (const delayMs of [10, 40]) clock.setTimer(delayMs, () => firedAt.push(clock.now()));
  clock.stall(30);
  expect(firedAt).toEqual([]);
  await clock.advance(10);
  expect(firedAt).toEqual([30, 40]);
});
