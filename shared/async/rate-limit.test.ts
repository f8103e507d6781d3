import { describe, expect, test } from "vitest";
import { AppError } from "../errors.ts";
import { type Permit, RateLimit } from "./rate-limit.ts";
import { type Clock, sleep } from "./request-context.ts";
import { VirtualClock } from "./test/virtual-clock.ts";

const WINDOW_MS = 1_000;
const USE_MAX_MS = 300;

/** A clock whose timers fire late by that much, or early if it is negative. */
function withTimersOff(clock: VirtualClock, offMs: () => number): Clock {
  return {
    now: () => clock.now(),
    epochMs: () => clock.epochMs(),
    setTimer: (delayMs, fire) => clock.setTimer(delayMs + offMs(), fire),
  };
}

function setUp(permits = 2, timersOffMs = () => 0) {
  const clock = new VirtualClock();
  const limit = new RateLimit({
    subject: "bakery",
    permits,
    windowMs: WINDOW_MS,
    useMaxMs: USE_MAX_MS,
    clock: withTimersOff(clock, timersOffMs),
  });
  const grantedAt: string[] = [];
  /** Takes a permit and reports it as used after `useMs`. */
  const take = (name: string, { deadlineAt = 60_000, useMs = 0, signal = never() } = {}) =>
    limit.acquire({ deadlineAt, signal }).then(async (permit) => {
      grantedAt.push(`${name} at ${clock.now()}`);
      if (useMs > 0) await sleep(clock, useMs);
      permit.used();
    }).catch((error: unknown) => error);
  return { clock, limit, take, grantedAt };
}

function never(): AbortSignal {
  return new AbortController().signal;
}

describe("RateLimit", () => {
  test("grants as many permits as the window allows at once, the rest in order", async () => {
    const { clock, take, grantedAt } = setUp();
    for (const name of ["a", "b", "c", "d", "e"]) void take(name);
    await clock.advance(2_000);
    expect(grantedAt).toEqual(["a at 0", "b at 0", "c at 1000", "d at 1000", "e at 2000"]);
  });

  // The system's timers are often late, and sometimes a little early.
  test.each([
    { seed: 1, fromMs: 0, toMs: 0 },
    { seed: 2, fromMs: 0, toMs: 0 },
    { seed: 3, fromMs: -1, toMs: 0 },
    { seed: 4, fromMs: -1, toMs: 20 },
    { seed: 5, fromMs: 0, toMs: 80 },
  ])("has never more uses in any window: $seed, timers $fromMs to $toMs ms late", async (given) => {
    const random = sequence(given.seed);
    const timersOffMs = () => given.fromMs + random() * (given.toMs - given.fromMs);
    const { clock, limit } = setUp(10, timersOffMs);
    const grants: number[] = [];
    const usedAt: number[] = [];
    for (let call = 0; call < 100; call++) {
      const leaves = random() < 0.1 ? AbortSignal.abort() : undefined;
      limit.acquire({ deadlineAt: Infinity, signal: leaves ?? never() }).then(async (permit) => {
        grants.push(call);
        await sleep(clock, random() * USE_MAX_MS * 0.9);
        usedAt.push(clock.now());
        await sleep(clock, random() * 500);
        if (random() < 0.9) permit.used();
      }).catch(() => {});
      if (random() < 0.3) await clock.advance(random() * 400);
    }
    await clock.advance(60_000);
    expect(usedAt.length).toBeGreaterThan(70);
    expect(grants).toEqual(grants.toSorted((a, b) => a - b));
    usedAt.sort((a, b) => a - b);
    const closest = usedAt.slice(10).map((at, index) => at - (usedAt[index] as number));
    expect(Math.min(...closest)).toBeGreaterThanOrEqual(WINDOW_MS);
  });

  test("counts the window from the time of use, not from the grant", async () => {
    const { clock, take, grantedAt } = setUp(1);
    void take("slow", { useMs: 200 });
    void take("next");
    await clock.advance(2_000);
    expect(grantedAt).toEqual(["slow at 0", "next at 1200"]);
  });

  test("counts a permit that is not reported as used as used after a while", async () => {
    const { clock, limit, take, grantedAt } = setUp(1);
    const forgotten: Permit = await limit.acquire({ deadlineAt: 60_000, signal: never() });
    void take("next");
    await clock.advance(2_000);
    forgotten.used();
    expect(grantedAt).toEqual([`next at ${USE_MAX_MS + WINDOW_MS}`]);
  });

  test("counts a permit as used only after the process had time to use it", async () => {
    const { clock, limit, take, grantedAt } = setUp(1);
    await limit.acquire({ deadlineAt: 60_000, signal: never() });
    void take("next");
    await clock.advance(0);
    clock.stall(900);
    await clock.advance(3_000);
    expect(grantedAt).toEqual([`next at ${900 + USE_MAX_MS + WINDOW_MS}`]);
  });

  test("refuses at once, with a Retry-After, a permit that is due after the deadline", async () => {
    const { clock, limit, take } = setUp(1);
    void take("a");
    void take("b");
    await clock.advance(100);
    const error = await take("c", { deadlineAt: 1_600 });
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({
      code: "unavailable",
      message: "The bakery is busy: its next call is in 1900 ms, the deadline in 1500 ms",
      retryAfterMs: 400,
    });
    expect(limit.waiting).toBe(1);
  });

  test("grants nothing during a pause, then the queue in order", async () => {
    const { clock, limit, take, grantedAt } = setUp();
    void take("before");
    await clock.advance(100);
    limit.pause(3_000);
    limit.pause(1_000);
    for (const name of ["a", "b", "c"]) void take(name);
    await clock.advance(5_000);
    expect(grantedAt).toEqual(["before at 0", "a at 3100", "b at 3100", "c at 4100"]);
  });

  test("refuses waiters whose deadline a pause exceeds, with a Retry-After", async () => {
    const { clock, limit, take, grantedAt } = setUp(1);
    void take("a");
    const impatient = take("b", { deadlineAt: 2_000 });
    const patient = take("c", { deadlineAt: 3_000 });
    await clock.advance(500);
    limit.pause(2_000);
    expect(await impatient).toMatchObject({
      code: "unavailable",
      message: "The bakery has requested a pause: " +
        "its next call is in 2000 ms, the deadline in 1500 ms",
      retryAfterMs: 2_000,
    });
    await clock.advance(2_000);
    await patient;
    expect(grantedAt).toEqual(["a at 0", "c at 2500"]);
  });

  test("refuses no caller that can be served in time, to the millisecond", async () => {
    const { clock, take, grantedAt } = setUp(1);
    void take("a");
    void take("b", { deadlineAt: 1_000 });
    await clock.advance(1_000);
    expect(grantedAt).toEqual(["a at 0", "b at 1000"]);
  });

  test("refuses a waiter as soon as a slow use makes its permit too late", async () => {
    const { clock, take, grantedAt } = setUp(1);
    void take("slow", { useMs: 250 });
    const late = take("late", { deadlineAt: 1_200 });
    const refusedAt = late.then(() => clock.now());
    void take("patient");
    await clock.advance(2_000);
    expect(await late).toMatchObject({ code: "unavailable" });
    expect(await refusedAt).toBe(250);
    expect(grantedAt).toEqual(["slow at 0", "patient at 1250"]);
  });

  test("a waiter that leaves gives its place to the next", async () => {
    const { clock, limit, take, grantedAt } = setUp(1);
    const controller = new AbortController();
    void take("a");
    const leaving = take("leaving", { signal: controller.signal });
    void take("next", { deadlineAt: 2_000 });
    await clock.advance(500);
    const left = new Error("left");
    controller.abort(left);
    expect(await leaving).toBe(left);
    expect(limit.waiting).toBe(1);
    await clock.advance(500);
    expect(grantedAt).toEqual(["a at 0", "next at 1000"]);
  });

  test("grants nothing to a waiter whose deadline passed while the process stalled", async () => {
    const { clock, take, grantedAt } = setUp(1);
    void take("a");
    const late = take("late", { deadlineAt: 1_200 });
    void take("patient");
    await clock.advance(500);
    clock.stall(1_000);
    await clock.advance(0);
    expect(await late).toMatchObject({ code: "unavailable" });
    expect(grantedAt).toEqual(["a at 0", "patient at 1500"]);
  });

  test("counts from the permit that is free first, not from the one granted first", async () => {
    const { clock, take, grantedAt } = setUp(2);
    void take("slow", { useMs: 250 });
    void take("quick");
    await clock.advance(300);
    void take("next", { deadlineAt: 1_000 });
    await clock.advance(1_000);
    expect(grantedAt).toEqual(["slow at 0", "quick at 0", "next at 1000"]);
  });

  test("a caller that has left takes no permit", async () => {
    const { clock, limit, take, grantedAt } = setUp(1);
    const left = new Error("left");
    expect(await take("gone", { signal: AbortSignal.abort(left) })).toBe(left);
    void take("next");
    expect(limit.waiting).toBe(0);
    await clock.advance(0);
    expect(grantedAt).toEqual(["next at 0"]);
  });

  test("a caller that leaves after its grant does not delay others", async () => {
    const { clock, take, grantedAt } = setUp(1);
    const controller = new AbortController();
    void take("a", { signal: controller.signal });
    void take("next");
    await clock.advance(100);
    controller.abort();
    await clock.advance(900);
    expect(grantedAt).toEqual(["a at 0", "next at 1000"]);
  });

  test("counts a permit from the first time it is reported as used", async () => {
    const { clock, limit, take, grantedAt } = setUp(1);
    const permit = await limit.acquire({ deadlineAt: 60_000, signal: never() });
    permit.used();
    void take("next");
    await clock.advance(500);
    permit.used();
    await clock.advance(1_000);
    expect(grantedAt).toEqual(["next at 1000"]);
  });

  test("keeps no timer once the last waiter has left", async () => {
    const { clock, take } = setUp(1);
    const controller = new AbortController();
    void take("a");
    void take("leaving", { signal: controller.signal });
    await clock.advance(100);
    controller.abort();
    expect(clock.pending).toBe(0);
  });

  test.each([0, -1, 1.5, NaN, Infinity])("refuses %d permits", (permits) => {
    expect(() => setUp(permits)).toThrow(RangeError);
  });

  test("keeps no timer without waiters", async () => {
    const { clock, take } = setUp(1);
    void take("a");
    void take("b");
    await clock.advance(1_000);
    expect(clock.pending).toBe(0);
  });
});

/** Pseudo-random numbers from 0 to just below 1, the same for the same seed (mulberry32). */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
