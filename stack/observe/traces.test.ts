import { expect, test } from "vitest";
import type { ReceivedSpan } from "../otlp/read-spans.ts";
import { Traces } from "./traces.ts";

const MS = 1_000_000n;

function span(given: Partial<ReceivedSpan>, startMs = 0, endMs = startMs + 1): ReceivedSpan {
  return {
    service: "cart",
    runtime: "node",
    traceId: "a",
    spanId: "1",
    parentId: "",
    name: "checkout",
    kind: "server",
    startNs: BigInt(startMs) * MS,
    endNs: BigInt(endMs) * MS,
    attributes: {},
    events: [],
    links: [],
    failed: false,
    ...given,
  };
}

test("a trace is summarized by its root, in whatever order its spans arrive", () => {
  const traces = new Traces();
  traces.add([span({ service: "notifier", spanId: "3", parentId: "2", name: "show" }, 130, 140)]);
  traces.add([
    span({ service: "loms", spanId: "2", parentId: "1", name: "create", failed: true }, 105, 120),
    span({}, 100, 125),
  ]);
  expect(traces.latest(10)).toEqual([{
    traceId: "a",
    name: "checkout",
    services: ["cart", "loms", "notifier"],
    startMs: 100,
    durationMs: 40,
    spans: 3,
    failed: true,
  }]);
});

test("rows are listed depth first, with their times since the trace began", () => {
  const traces = new Traces();
  traces.add([
    span({ spanId: "4", parentId: "1", name: "later" }, 120, 121),
    span({ spanId: "3", parentId: "2", name: "below" }, 111, 112),
    span({ spanId: "2", parentId: "1", name: "earlier" }, 110, 115),
    span({}, 100, 125),
  ]);
  const rows = traces.rows("a")?.map(({ name, depth, startMs }) => [name, depth, startMs]);
  expect(rows).toEqual([["checkout", 0, 0], ["earlier", 1, 10], ["below", 2, 11], [
    "later",
    1,
    20,
  ]]);
});

test("the latest traces come first, and the oldest are evicted", () => {
  const traces = new Traces();
  for (let n = 0; n < 600; n++) traces.add([span({ traceId: `trace ${n}` }, n)]);
  expect(traces.latest(2).map(({ traceId }) => traceId)).toEqual(["trace 599", "trace 598"]);
  expect(traces.latest(10_000)).toHaveLength(500);
  expect(traces.rows("trace 99")).toBeUndefined();
  expect(traces.rows("trace 100")).toBeDefined();
});

test("a trace is limited to a maximum of spans", () => {
  const traces = new Traces();
  const endless = Array.from({ length: 3_000 }, (_, n) => span({ spanId: `${n}` }, n));
  traces.add(endless);
  expect(traces.latest(1)[0]?.spans).toBe(2_000);
});

test("large traces evict each other", () => {
  const traces = new Traces();
  for (let n = 0; n < 100; n++) {
    traces.add(
      Array.from({ length: 1_000 }, (_, at) => span({ traceId: `${n}`, spanId: `${at}` })),
    );
  }
  const kept = traces.latest(100);
  expect(kept).toHaveLength(50);
  expect(kept.every(({ spans }) => spans === 1_000)).toBe(true);
});

test("traces are found by the words of their name, services, id and failure", () => {
  const traces = new Traces();
  traces.add([
    span({ traceId: "a1", name: "POST /checkout", failed: true }),
    span({ traceId: "b2", name: "POST /checkout" }),
    span({ traceId: "c3", name: "GET /list", service: "loms", failed: true }),
  ]);
  const found = (find: string) => traces.latest(10, find).map(({ traceId }) => traceId);
  expect(found("")).toEqual(["c3", "b2", "a1"]);
  expect(found("Checkout")).toEqual(["b2", "a1"]);
  expect(found("failed checkout")).toEqual(["a1"]);
  expect(found("loms")).toEqual(["c3"]);
  expect(found("b2")).toEqual(["b2"]);
});
