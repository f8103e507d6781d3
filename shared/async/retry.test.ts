import { describe, expect, test } from "vitest";
import { RequestContext, sleep } from "./request-context.ts";
import { retry, type RetryOptions } from "./retry.ts";
import { VirtualClock } from "./test/virtual-clock.ts";

const busy = new Error("busy");

const OPTIONS: Omit<RetryOptions, "clock"> = {
  retriesMax: 3,
  backoffMs: 100,
  backoffMaxMs: 300,
  random: () => 0.5,
  advise: (failure) => failure === busy ? {} : undefined,
};

function setUp(given: Partial<RetryOptions> = {}, deadlineAt = 60_000) {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const triesAt: number[] = [];
  const run = (failures: number, error: Error = busy) =>
    retry(
      async (tryNumber) => {
        triesAt.push(clock.now());
        if (tryNumber <= failures) throw error;
        return `try ${tryNumber}`;
      },
      {
        ...OPTIONS,
        clock,
        ...given,
      },
      { deadlineAt, signal: controller.signal },
    ).catch((failure: unknown) => failure);
  return { clock, controller, triesAt, run };
}

describe("retry()", () => {
  test("stops after an attempt that succeeds", async () => {
    const { triesAt, run } = setUp();
    expect(await run(0)).toBe("try 1");
    expect(triesAt).toEqual([0]);
  });

  test("pauses a random part of a bound that doubles up to its maximum", async () => {
    const { clock, triesAt, run } = setUp();
    const result = run(3);
    await clock.advance(1_000);
    expect(await result).toBe("try 4");
    expect(triesAt).toEqual([0, 50, 150, 300]);
  });

  test("rejects with the last error when no attempts are left", async () => {
    const { clock, triesAt, run } = setUp();
    const result = run(9);
    await clock.advance(1_000);
    expect(await result).toBe(busy);
    expect(triesAt).toHaveLength(4);
  });

  test("does not retry an error that is not retryable", async () => {
    const { triesAt, run } = setUp();
    const refused = new Error("refused");
    expect(await run(9, refused)).toBe(refused);
    expect(triesAt).toHaveLength(1);
  });

  test("keeps a requested pause whole, with jitter on top", async () => {
    const { clock, triesAt, run } = setUp({ advise: () => ({ afterMs: 2_000 }) });
    const result = run(1);
    await clock.advance(3_000);
    expect(await result).toBe("try 2");
    expect(triesAt).toEqual([0, 2_050]);
  });

  test("rejects at once if the pause would end after the deadline", async () => {
    const { clock, triesAt, run } = setUp({ advise: () => ({ afterMs: 2_000 }) }, 2_050);
    expect(await run(1)).toBe(busy);
    expect(triesAt).toEqual([0]);
    expect(clock.pending).toBe(0);
  });

  test("ends its pause with the reason of the signal", async () => {
    const { clock, controller, run } = setUp();
    const result = run(1);
    await clock.advance(10);
    const left = new Error("the caller disconnected");
    controller.abort(left);
    expect(await result).toBe(left);
    expect(clock.pending).toBe(0);
  });

  test("rejects with the reason of a signal that aborted during an attempt", async () => {
    const { controller, triesAt, run } = setUp();
    const result = run(1);
    const left = new Error("the caller disconnected");
    controller.abort(left);
    expect(await result).toBe(left);
    expect(triesAt).toEqual([0]);
  });

  test("rejects with the reason of a deadline that passed during an attempt", async () => {
    const clock = new VirtualClock();
    const context = new RequestContext({ traceparent: "", timeoutMs: 100, clock });
    const options = { ...OPTIONS, clock };
    const attempt = () => sleep(clock, 150).then(() => Promise.reject(busy));
    const result = retry(attempt, options, context).catch((error: unknown) => error);
    await clock.advance(150);
    expect(await result).toMatchObject({ code: "deadline_exceeded" });
  });

  test("a non-retryable error is returned even if the signal has aborted", async () => {
    const { controller, run } = setUp();
    const refused = new Error("refused");
    const result = run(1, refused);
    controller.abort(new Error("the caller disconnected"));
    expect(await result).toBe(refused);
  });
});
