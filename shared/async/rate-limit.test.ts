import { describe, expect, test } from "vitest";
import { AppError } from "../errors.ts";
import { type Permit, RateLimit } from "./rate-limit.ts";
import { sleep } from "./sleep.ts";
import { VirtualClock } from "./virtual-clock.ts";

const WINDOW_MS = 1_000;
const USE_MAX_MS = 300;

function setUp(permits = 2) {
  const clock = new VirtualClock();
  const limit = new RateLimit({
    subject: "bakery",
    permits,
    windowMs: WINDOW_MS,
    useMaxMs: USE_MAX_MS,
    clock,
  });
  const grantedAt: string[] = [];
  /** Takes a permit and has used it after `useMs`. */
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
  test("grants what the window has room for at once and the rest in order", async () => {
    const { clock, take, grantedAt } = setUp();
    for (const name of ["a", "b", "c", "d", "e"]) void take(name);
    await clock.advance(2_000);
    expect(grantedAt).toEqual(["a at 0", "b at 0", "c at 1000", "d at 1000", "e at 2000"]);
  });

  test("has never more uses in any window, however the calls come", async () => {
    const { clock, limit } = setUp(10);
    const usedAt: number[] = [];
    const random = sequence(7);
    for (let call = 0; call < 200; call++) {
      void limit.acquire({ deadlineAt: Infinity, signal: never() }).then(async (permit) => {
        await sleep(clock, random() * USE_MAX_MS);
        usedAt.push(clock.now());
        await sleep(clock, random() * 50);
        permit.used();
      });
      await clock.advance(random() * 200);
    }
    await clock.advance(60_000);
    expect(usedAt).toHaveLength(200);
    usedAt.sort((a, b) => a - b);
    const closest = usedAt.slice(10).map((at, index) => at - (usedAt[index] as number));
    expect(Math.min(...closest)).toBeGreaterThanOrEqual(WINDOW_MS);
  });

  test("counts the window from the moment of use, not from the grant", async () => {
    const { clock, take, grantedAt } = setUp(1);
    void take("slow", { useMs: 200 });
    void take("next");
    await clock.advance(2_000);
    expect(grantedAt).toEqual(["slow at 0", "next at 1200"]);
  });

  test("counts a permit that nobody reports as used after a while", async () => {
    const { clock, limit, take, grantedAt } = setUp(1);
    const forgotten: Permit = await limit.acquire({ deadlineAt: 60_000, signal: never() });
    void take("next");
    await clock.advance(2_000);
    forgotten.used();
    expect(grantedAt).toEqual([`next at ${USE_MAX_MS + WINDOW_MS}`]);
  });

  test("counts a permit as used only once the process has had time to use it", async () => {
    const { clock, limit, take, grantedAt } = setUp(1);
    await limit.acquire({ deadlineAt: 60_000, signal: never() });
    void take("next");
    await clock.advance(0);
    clock.stall(900);
    await clock.advance(3_000);
    expect(grantedAt).toEqual([`next at ${900 + USE_MAX_MS + WINDOW_MS}`]);
  });

  test("refuses at once when the turn comes after the deadline, saying when to come", async () => {
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

  test("refuses nobody who can be served in time, to the millisecond", async () => {
    const { clock, take, grantedAt } = setUp(1);
    void take("a");
    void take("b", { deadlineAt: 1_000 });
    await clock.advance(1_000);
    expect(grantedAt).toEqual(["a at 0", "b at 1000"]);
  });

  test("refuses a waiter as soon as a slow use makes its turn too late", async () => {
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

  test("keeps no timer when nobody waits", async () => {
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
