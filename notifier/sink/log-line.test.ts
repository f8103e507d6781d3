import { expect, test } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { NO_TRACING } from "../../shared/telemetry/tracing.ts";
import { createLogLineSink } from "./log-line.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const context = new RequestContext({
  traceparent,
  timeoutMs: 1_000,
  clock: new VirtualClock(),
});
const notification = {
  orderId: 9223372036854775807n,
  userId: 9007199254740993n,
  status: "awaiting payment",
  seq: 2,
  at: "2026-01-01T00:00:00.000Z",
  refusedSeqs: [],
  traceparent,
} as const;

type Write = { readonly text: string; readonly done: (error?: Error | null) => void };

function openSink(format: "json" | "pretty") {
  const writes: Write[] = [];
  const output = { write: (text: string, done: Write["done"]) => writes.push({ text, done }) };
  return { sink: createLogLineSink({ format, output, tracing: NO_TRACING }), writes };
}

test("show() writes one JSON line with every digit and the trace of the change", () => {
  const { sink, writes } = openSink("json");
  void sink.show([notification], context);
  expect(writes).toHaveLength(1);
  const text = writes[0]?.text ?? "";
  expect(text.indexOf("\n")).toBe(text.length - 1);
  expect(text).toContain('"order_id":9223372036854775807,"user_id":9007199254740993');
  expect(JSON.parse(text)).toMatchObject({
    service: "notifier",
    level: "info",
    message: "order is awaiting payment",
    status: "awaiting payment",
    seq: 2,
    at: "2026-01-01T00:00:00.000Z",
    trace_id: "0af7651916cd43dd8448eb211c80319c",
  });
  expect(text).not.toContain("reason");
});

test.each(
  [
    ["cancelled", "buyer", "order is cancelled by its buyer"],
    ["cancelled", "payment_timeout", "order is cancelled: it was not payed in time"],
    ["failed", "out_of_stock", "order is failed: out of stock"],
  ] as const,
)("show() describes an order that is %s because of %s", (status, reason, message) => {
  const { sink, writes } = openSink("json");
  void sink.show([{ ...notification, status, reason }], context);
  expect(JSON.parse(writes[0]?.text ?? "")).toMatchObject({ status, reason, message });
});

test("show() writes one readable line for a terminal", () => {
  const { sink, writes } = openSink("pretty");
  void sink.show([notification], context);
  const text = writes[0]?.text ?? "";
  expect(text).toContain("order is awaiting payment");
  expect(text).toContain("order_id=9223372036854775807");
  expect(text.indexOf("\n")).toBe(text.length - 1);
});

test("show() writes notifications that are shown together in one write, in their order", () => {
  const { sink, writes } = openSink("json");
  void sink.show([notification, { ...notification, seq: 3 }], context);
  expect(writes).toHaveLength(1);
  const lines = writes[0]?.text.trimEnd().split("\n") ?? [];
  expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual([2, 3]);
});

test("show() resolves when the output has the line, and rejects when it fails", async () => {
  const { sink, writes } = openSink("json");
  let settled = false;
  const first = sink.show([notification], context).finally(() => settled = true);
  const second = sink.show([notification], context);
  await Promise.resolve();
  expect(settled).toBe(false);
  writes[0]?.done(null);
  writes[1]?.done(new Error("EPIPE"));
  await expect(first).resolves.toBeUndefined();
  await expect(second).rejects.toThrow("EPIPE");
});
