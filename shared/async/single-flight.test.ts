import { describe, expect, test } from "vitest";
import { type Deadline, sleep } from "./request-context.ts";
import { SingleFlight } from "./single-flight.ts";
import { VirtualClock } from "./test/virtual-clock.ts";

function setUp() {
  const clock = new VirtualClock();
  const flights = new SingleFlight<string, string>();
  const calls: Deadline[] = [];
  const work = async (shared: Deadline) => {
    calls.push(shared);
    await sleep(clock, 100, shared.signal);
    return `call ${calls.length}`;
  };
  const caller = (deadlineAt = 1_000) => {
    const controller = new AbortController();
    const result = flights.run("a", { deadlineAt, signal: controller.signal }, work)
      .catch((error: unknown) => error);
    return { result, leave: (reason: unknown) => controller.abort(reason) };
  };
  return { clock, flights, calls, work, caller };
}

const left = new Error("left");

describe("SingleFlight", () => {
  test("concurrent calls for one key are one call", async () => {
    const { clock, calls, caller } = setUp();
    const callers = [caller(), caller(), caller()];
    await clock.advance(100);
    expect(await Promise.all(callers.map(({ result }) => result)))
      .toEqual(["call 1", "call 1", "call 1"]);
    expect(calls).toHaveLength(1);
  });

  test("calls for different keys are not shared", async () => {
    const { clock, flights, calls, work } = setUp();
    const { signal } = new AbortController();
    const both = ["a", "b"].map((key) => flights.run(key, { deadlineAt: 1_000, signal }, work));
    await clock.advance(100);
    await Promise.all(both);
    expect(calls).toHaveLength(2);
  });

  test("a call after the result is a new call", async () => {
    const { clock, calls, caller } = setUp();
    caller();
    await clock.advance(100);
    const later = caller();
    await clock.advance(100);
    expect(await later.result).toBe("call 2");
    expect(calls).toHaveLength(2);
  });

  test("a failure reaches every caller and is not kept", async () => {
    const { flights } = setUp();
    const { signal } = new AbortController();
    const failing = () => {
      throw new Error("no answer");
    };
    const deadline = { deadlineAt: 1_000, signal };
    const both = [flights.run("a", deadline, failing), flights.run("a", deadline, failing)];
    const results = await Promise.allSettled(both);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expect(flights.run("a", deadline, async () => "fine")).resolves.toBe("fine");
  });

  test("a caller that leaves, even the first, does not affect the others", async () => {
    const { clock, calls, caller } = setUp();
    const first = caller();
    const second = caller();
    first.leave(left);
    expect(await first.result).toBe(left);
    await clock.advance(100);
    expect(await second.result).toBe("call 1");
    expect(calls[0]?.signal.aborted).toBe(false);
  });

  test("the call is aborted when the last caller leaves; the next starts another", async () => {
    const { clock, calls, caller } = setUp();
    const callers = [caller(), caller()];
    for (const { leave } of callers) leave(left);
    expect(calls[0]?.signal.reason).toBe(left);
    const later = caller();
    await clock.advance(100);
    expect(await later.result).toBe("call 2");
  });

  test("an aborted call that ends late does not affect its successor", async () => {
    const { clock, calls, caller } = setUp();
    caller().leave(left);
    const later = caller();
    await clock.advance(50);
    const joining = caller();
    await clock.advance(50);
    expect(await Promise.all([later.result, joining.result])).toEqual(["call 2", "call 2"]);
    expect(calls).toHaveLength(2);
  });

  test("a caller that leaves after the result aborts nothing", async () => {
    const { clock, calls, caller } = setUp();
    const { result, leave } = caller();
    await clock.advance(100);
    await result;
    leave(left);
    expect(calls[0]?.signal.aborted).toBe(false);
  });

  test("the shared deadline is the latest of its callers so far", () => {
    const { calls, caller } = setUp();
    caller(500);
    expect(calls[0]?.deadlineAt).toBe(500);
    caller(900);
    caller(700);
    expect(calls[0]?.deadlineAt).toBe(900);
  });

  test("a caller whose signal has aborted starts nothing", async () => {
    const { flights, calls, work } = setUp();
    const gone = { deadlineAt: 1_000, signal: AbortSignal.abort(left) };
    await expect(flights.run("a", gone, work)).rejects.toBe(left);
    expect(calls).toEqual([]);
  });

  test("close() aborts calls in progress and refuses the rest", async () => {
    const { flights, caller } = setUp();
    const waiting = caller();
    const closed = new Error("closed");
    flights.close(closed);
    expect(await waiting.result).toBe(closed);
    expect(await caller().result).toBe(closed);
  });
});
