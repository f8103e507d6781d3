import { expect, test } from "vitest";
import { AppError } from "../errors.ts";
import { type Caller, RequestContext, systemClock } from "./request-context.ts";
import { VirtualClock } from "./test/virtual-clock.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER_SPAN = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";

function setUp(caller?: Caller) {
  const clock = new VirtualClock();
  const context = new RequestContext({
    traceparent: TRACEPARENT,
    timeoutMs: 1_000,
    caller,
    clock,
  });
  return { clock, context };
}

test("RequestContext returns the ids of its trace context", () => {
  const { context } = setUp();
  expect(context.traceId).toBe("0af7651916cd43dd8448eb211c80319c");
  expect(context.spanId).toBe("b7ad6b7169203331");
});

test("RequestContext sets no timer before its signal is read", async () => {
  const { clock, context } = setUp();
  expect(clock.pending).toBe(0);
  await clock.advance(600);
  expect(context.remainingMs()).toBe(400);
  expect(context.signal.aborted).toBe(false);
  expect(clock.pending).toBe(1);
  await clock.advance(400);
  expect(context.signal.reason).toMatchObject({ code: "deadline_exceeded" });
  await clock.advance(1);
  expect(context.remainingMs()).toBe(0);
});

test("RequestContext has aborted when its signal is read after the deadline", async () => {
  const { clock, context } = setUp();
  await clock.advance(1_000);
  expect(context.signal.reason).toMatchObject({ code: "deadline_exceeded" });
  expect(clock.pending).toBe(0);
});

test("RequestContext aborts as unavailable when the caller disconnects", () => {
  const caller = new AbortController();
  const { context } = setUp(caller);
  const { signal } = context;
  caller.abort(new Error("socket closed"));
  expect(signal.reason).toBeInstanceOf(AppError);
  expect(signal.reason).toMatchObject({
    code: "unavailable",
    cause: { message: "socket closed" },
  });
});

test("RequestContext detects a caller that disconnected before its signal was read", () => {
  const reason = new AppError("unavailable", "gone");
  const { context } = setUp({ signal: AbortSignal.abort(reason) });
  expect(context.signal.reason).toBe(reason);
});

test("RequestContext is cancelled together with the context that is its caller", () => {
  const caller = new AbortController();
  const { clock, context } = setUp(caller);
  const child = new RequestContext({
    traceparent: OTHER_SPAN,
    timeoutMs: 700,
    caller: context,
    clock,
  });
  expect(child.spanId).toBe("00f067aa0ba902b7");
  const { signal } = child;
  caller.abort(new AppError("unavailable", "gone"));
  expect(signal.reason).toMatchObject({ message: "gone" });
});

test("close() frees the timer and stops listening to the caller", async () => {
  const caller = new AbortController();
  const { clock, context } = setUp(caller);
  const { signal } = context;
  context.close();
  expect(clock.pending).toBe(0);
  caller.abort();
  expect(signal.aborted).toBe(false);
});

test("a timer longer than the runtime can wait does not fire at once", async () => {
  let hasFired = false;
  const cancel = systemClock.setTimer(2 ** 31, () => void (hasFired = true));
  const turn = Promise.withResolvers<void>();
  systemClock.setTimer(5, turn.resolve);
  await turn.promise;
  cancel();
  expect(hasFired).toBe(false);
});
