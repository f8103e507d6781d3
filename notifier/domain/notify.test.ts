import { expect, test } from "vitest";
import type { OrderStatus } from "../../proto/order-status.ts";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import type { LastShown, Notification, Shown, Sink, SkippedEvents } from "./deps.ts";
import { notify } from "./notify.ts";

const clock = new VirtualClock();
const at = new Date(clock.epochMs()).toISOString();
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const context = new RequestContext({
  traceparent,
  timeoutMs: 1_000,
  clock,
});

function notification(seq: number, status: OrderStatus = "payed"): Notification {
  return { orderId: 7n, userId: 1n, status, seq, at, refusedSeqs: [], traceparent };
}

/** Deps that record each step, and fail at the named one. */
function openDeps(
  { last = 0, failsAt = "", coversBeginning = true, dead = [] as readonly number[] } = {},
) {
  const steps: string[] = [];
  const remembered: Shown[] = [];
  const skipped: SkippedEvents[] = [];
  const step = (name: string) => {
    if (name === failsAt) return Promise.reject(new Error(name));
    steps.push(name);
    return Promise.resolve();
  };
  const lastShown: LastShown = {
    lastSeqs: async (orderIds) => {
      await step(`read ${[...orderIds].join(" ")}`);
      return new Map(last > 0 ? [[7n, last]] : []);
    },
    remember: async (shown) => {
      await step("remember");
      remembered.push(...shown);
    },
    coversBeginningOf: () => Promise.resolve(coversBeginning),
    noteDead: () => Promise.resolve(),
    deadSeqs: () => Promise.resolve(dead),
    forgetFinal: () => Promise.resolve(0),
  };
  const sink: Sink = {
    show: (shown) => step(`show ${shown.map(({ seq }) => seq).join(" ")}`),
  };
  const onSkipped = (each: SkippedEvents) => void skipped.push(each);
  return { deps: { lastShown, sink, onSkipped }, steps, remembered, skipped };
}

test("notify() shows an event and remembers it afterwards", async () => {
  const { deps, steps, remembered } = openDeps({ last: 1 });
  expect(await notify(deps, [notification(2, "awaiting payment")], context)).toEqual(["shown"]);
  expect(steps).toEqual(["read 7", "show 2", "remember"]);
  expect(remembered).toEqual([{ orderId: 7n, seq: 2, final: false, isPromptFirst: false }]);
});

test("notify() reads, shows and remembers events that arrived together at once", async () => {
  const { deps, steps, remembered } = openDeps({ last: 1 });
  const events = [1, 2, 2, 3].map((seq) => notification(seq));
  const other = { ...notification(1), orderId: 8n };
  expect(await notify(deps, [...events, other], context))
    .toEqual(["stale", "shown", "stale", "shown", "shown"]);
  expect(steps).toEqual(["read 7 8", "show 2 3 1", "remember"]);
  expect(remembered.map(({ orderId, seq }) => [orderId, seq])).toEqual([[7n, 2], [7n, 3], [8n, 1]]);
});

test("notify() does nothing without events", async () => {
  const { deps, steps } = openDeps();
  expect(await notify(deps, [], context)).toEqual([]);
  expect(steps).toEqual([]);
});

test.each(
  [
    ["new", false],
    ["awaiting payment", false],
    ["failed", true],
    ["payed", true],
    ["cancelled", true],
  ] as const,
)("notify() remembers %s with final = %s", async (status, final) => {
  const { deps, remembered } = openDeps();
  await notify(deps, [notification(1, status)], context);
  expect(remembered).toEqual([{ orderId: 7n, seq: 1, final, isPromptFirst: true }]);
});

test.each([[2, 2], [1, 2]])("notify() drops seq %i when %i was shown", async (seq, last) => {
  const { deps, steps } = openDeps({ last });
  expect(await notify(deps, [notification(seq)], context)).toEqual(["stale"]);
  expect(steps).toEqual(["read 7"]);
});

test("notify() shows an event after a gap, and reports the gap once it is shown", async () => {
  const { deps, steps, skipped } = openDeps({ last: 1, failsAt: "remember" });
  await expect(notify(deps, [notification(4)], context)).rejects.toThrow("remember");
  expect(steps).toEqual(["read 7", "show 4"]);
  expect(skipped).toEqual([{ orderId: 7n, lastSeq: 1, nextSeq: 4, count: 2 }]);
});

test.each([
  ["the next event", { last: 1 }, notification(2)],
  ["a stale event", { last: 3 }, notification(1)],
  ["an event after a dead-lettered one", { last: 1, dead: [2] }, notification(3)],
  ["an event after a rejected one", { last: 1 }, { ...notification(3), refusedSeqs: [2] }],
  ["an order from before the record", { coversBeginning: false }, notification(3)],
])("%s is not a gap", async (_, state, event) => {
  const { deps, skipped } = openDeps(state);
  await notify(deps, [event], context);
  expect(skipped).toEqual([]);
});

test.each([
  ["an order whose first event should be known", {}, notification(3), 2],
  ["events beside dead and rejected ones", { dead: [1, 2] }, {
    ...notification(5),
    refusedSeqs: [2, 3],
  }, 1],
  ["an event that was dead-lettered itself", { last: 1, dead: [3] }, notification(3), 1],
  ["earlier dead and rejected ones", { last: 2, dead: [1] }, {
    ...notification(4),
    refusedSeqs: [2],
  }, 1],
])("%s are a gap", async (_, state, event, count) => {
  const { deps, skipped } = openDeps(state);
  expect(await notify(deps, [event], context)).toEqual(["shown"]);
  expect(skipped).toMatchObject([{ count }]);
});

test("a first event from a backlog does not mark where the record begins", async () => {
  const { deps, remembered } = openDeps();
  const old = new Date(clock.epochMs() - 10_000).toISOString();
  await notify(deps, [{ ...notification(1), at: old }], context);
  expect(remembered).toMatchObject([{ isPromptFirst: false }]);
});

test("notify() remembers nothing if the sink fails", async () => {
  const { deps, steps } = openDeps({ failsAt: "show 1" });
  await expect(notify(deps, [notification(1)], context)).rejects.toThrow("show 1");
  expect(steps).toEqual(["read 7"]);
});

test("notify() rejects if shown events cannot be remembered", async () => {
  const { deps } = openDeps({ failsAt: "remember" });
  await expect(notify(deps, [notification(1)], context)).rejects.toThrow("remember");
});
