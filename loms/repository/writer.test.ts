import { expect, test, vi } from "vitest";
import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import type { DurableRunner } from "../../shared/postgres/statement.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { readSamples } from "../../shared/telemetry/samples.ts";
import { createOrderListWriter, type OrderWriterOptions } from "./writer.ts";

const context = {} as RequestContext;
const ORDER = { userId: 7n, items: [], idempotencyKey: undefined, traceparent: "" };
const ORDERS = [ORDER];
const CHANGES = [{ orderId: 1n, traceparent: "" }];

/** A writer on a database that returns the rows that a test sets. */
function openWriter() {
  const metrics = new Metrics("loms");
  let rows: readonly object[] = [];
  const noEvents = { first_event: null, event_id: null, stock_events: false };
  const run = () => Promise.resolve(rows.map((row) => ({ ...noEvents, ...row })));
  const pool = { run } as unknown as DurableRunner;
  const writer = createOrderListWriter({ pool, paymentTimeoutMs: 1_000, metrics });
  /** The counted transitions, and the short lines. */
  const counted = async () => {
    const samples = readSamples(await metrics.text());
    const transitions = [...samples].filter(([name, value]) =>
      name.startsWith("order_transitions_total") && value > 0
    ).map(([name, value]) => [name.slice("order_transitions_total".length), value]);
    return {
      transitions: Object.fromEntries(transitions) as Record<string, number>,
      short: samples.get("stock_reservations_short_total"),
    };
  };
  return { writer, metrics, counted, returnRows: (next: typeof rows) => rows = next };
}

const NEW = '{from="none",to="new"}';
const AWAITING = '{from="new",to="awaiting payment"}';
const FAILED = '{from="new",to="failed",reason="out_of_stock"}';
const PAYED = '{from="awaiting payment",to="payed"}';
const CANCELLED = '{from="awaiting payment",to="cancelled",reason="buyer"}';
const EXPIRED = '{from="awaiting payment",to="cancelled",reason="payment_timeout"}';

test("events of a write with an unknown outcome are not passed on", async () => {
  const onEvents = vi.fn<NonNullable<OrderWriterOptions["onEvents"]>>();
  const run = () => Promise.reject(new AppError("unavailable", "lost"));
  const pool = { run } as unknown as DurableRunner;
  const metrics = new Metrics("loms");
  const writer = createOrderListWriter({ pool, paymentTimeoutMs: 1_000, metrics, onEvents });
  await expect(writer.orderCreate(ORDERS, context)).rejects.toThrow("lost");
  await expect(writer.orderPay(CHANGES, context)).rejects.toThrow("lost");
  expect(onEvents).not.toHaveBeenCalled();
});

test("every transition is counted from the start", async () => {
  const { metrics } = openWriter();
  const samples = readSamples(await metrics.text());
  for (const labels of [NEW, AWAITING, FAILED, PAYED, CANCELLED, EXPIRED]) {
    expect(samples.get(`order_transitions_total${labels}`), labels).toBe(0);
  }
});

test("created and failed orders are counted with their short lines", async () => {
  const { writer, returnRows, counted } = openWriter();
  returnRows([
    { kind: "created", order_id: 1n, first_event: 1n },
    { kind: "short", order_id: 2n, first_event: 3n, shortage: { skus: [], skus_total: 4 } },
    { kind: "key_reused", order_id: 1n },
  ]);
  await writer.orderCreate([ORDER, ORDER, ORDER], context);
  expect(await counted())
    .toEqual({ transitions: { [NEW]: 2, [AWAITING]: 1, [FAILED]: 1 }, short: 4 });
});

test("an order returned again for a repeated key is counted once", async () => {
  const { writer, returnRows, counted } = openWriter();
  returnRows([{ kind: "created", order_id: 1n, first_event: 1n }]);
  await writer.orderCreate(ORDERS, context);
  returnRows([
    { kind: "created", order_id: 1n },
    { kind: "short", order_id: 2n, shortage: { skus: [], skus_total: 4 } },
  ]);
  await writer.orderCreate([ORDER, ORDER], context);
  expect(await counted()).toEqual({ transitions: { [NEW]: 1, [AWAITING]: 1 }, short: 0 });
});

test("payed, cancelled and expired orders are counted when their status changes", async () => {
  const { writer, returnRows, counted } = openWriter();
  returnRows([{ kind: "changed", event_id: 1n }, { kind: "unchanged" }, { kind: "not_found" }]);
  await writer.orderPay(CHANGES, context);
  await writer.orderCancel(CHANGES, context);
  returnRows([2n, 3n, 4n].map((event_id) => ({ event_id })));
  await writer.expireOrders(10, context);
  expect((await counted()).transitions).toEqual({ [PAYED]: 1, [CANCELLED]: 1, [EXPIRED]: 3 });
});

test("the value of orders with known prices is counted", async () => {
  const { writer, metrics, returnRows } = openWriter();
  const value = async () => {
    const samples = readSamples(await metrics.text());
    return [
      samples.get('order_value_total{to="awaiting payment"}'),
      samples.get('order_value_total{to="payed"}'),
    ];
  };
  expect(await value()).toEqual([0, 0]);
  const priced = {
    ...ORDER,
    items: [{ sku: 1, count: 2, price: 50 }, { sku: 2, count: 1, price: 1 }],
  };
  const unpriced = { ...ORDER, items: [{ sku: 1, count: 2, price: 50 }, { sku: 2, count: 1 }] };
  returnRows([
    { kind: "created", order_id: 1n, first_event: 1n },
    { kind: "created", order_id: 2n, first_event: 3n },
    { kind: "short", order_id: 3n, first_event: 5n, shortage: { skus: [], skus_total: 1 } },
    { kind: "created", order_id: 1n },
  ]);
  await writer.orderCreate([priced, unpriced, priced, priced], context);
  returnRows([
    { kind: "changed", total_price: 101n },
    { kind: "changed", total_price: null },
    { kind: "unchanged", total_price: null },
  ]);
  await writer.orderPay(CHANGES, context);
  expect(await value()).toEqual([101, 101]);
});

test("payments of cancelled and overdue orders are counted as late", async () => {
  const { writer, metrics, returnRows } = openWriter();
  const late = async () => readSamples(await metrics.text()).get("order_late_payments_total");
  expect(await late()).toBe(0);
  returnRows([
    { kind: "payment_overdue", status: "awaiting payment" },
    { kind: "wrong_status", status: "cancelled" },
    { kind: "wrong_status", status: "failed" },
    { kind: "unchanged", status: "payed" },
  ]);
  await writer.orderPay(CHANGES, context);
  await writer.orderCancel(CHANGES, context);
  expect(await late()).toBe(2);
});
