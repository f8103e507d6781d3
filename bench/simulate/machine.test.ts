import { expect, test } from "vitest";
import { Timeline } from "./machine.ts";

test("jobs of one part run one after the other, those of two parts concurrently", () => {
  const timeline = new Timeline();
  const machine = timeline.machine(2);
  const ends: [string, number][] = [];
  const note = (name: string) => () => ends.push([name, timeline.now]);
  const [one, other] = [machine.part("one"), machine.part("other")];
  one.work(10, note("first"));
  one.work(10, note("second"));
  other.work(15, note("other"));
  timeline.runUntil(100);
  expect(ends).toEqual([["first", 10], ["other", 15], ["second", 20]]);
  expect([one.busyMs, other.busyMs]).toEqual([20, 15]);
});

test("parts share the cores of their machine equally", () => {
  const timeline = new Timeline();
  const machine = timeline.machine(1);
  const ends: number[] = [];
  for (const ms of [10, 20]) machine.part(`${ms}`).work(ms, () => ends.push(timeline.now));
  timeline.runUntil(100);
  expect(ends).toEqual([20, 30]);
});

test("a part with several workers runs that many jobs concurrently", () => {
  const timeline = new Timeline();
  const part = timeline.machine(4).part("backends", 2);
  const ends: number[] = [];
  for (let job = 0; job < 4; job++) part.work(10, () => ends.push(timeline.now));
  timeline.runUntil(100);
  expect(ends).toEqual([10, 10, 20, 20]);
});

test("events run in order of their times, those of one time in the order of their creation", () => {
  const timeline = new Timeline();
  const ran: number[] = [];
  for (const at of [5, 1, 3, 1, 4]) timeline.after(at, () => ran.push(at * 10 + ran.length));
  timeline.runUntil(4);
  expect(ran).toEqual([10, 11, 32, 43]);
  expect(timeline.now).toBe(4);
});

test("the wait of a queue with random arrivals agrees with queueing theory", () => {
  const timeline = new Timeline();
  const part = timeline.machine(1).part("server");
  const [serviceMs, load, jobs] = [1, 0.7, 100_000];
  let [state, waited, ended] = [1, 0, 0];
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const arrive = () => {
    const at = timeline.now;
    part.work(serviceMs, () => {
      waited += timeline.now - at - serviceMs;
      ended++;
    });
    timeline.after(-Math.log(1 - random()) * serviceMs / load, arrive);
  };
  arrive();
  timeline.runUntil(jobs * serviceMs / load);
  // Pollaczek–Khinchine for a constant service time.
  const expected = load / (2 * (1 - load)) * serviceMs;
  expect(waited / ended / expected).toBeCloseTo(1, 1);
});
