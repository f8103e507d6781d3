import type { StoredShortage } from "../../drizzle/loms/schema.ts";
import {
  type EndReason,
  ORDER_STATUSES,
  type OrderStatus,
  sourcesOf,
} from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { RowOf } from "../../shared/postgres/statement.ts";
import { counterFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import type { NewOrder, OrderChange } from "../domain/deps.ts";
import { orderTotalPrice } from "../domain/order-create.ts";
import type { OrderEventRow } from "../outbox/order-outbox.ts";
import type { EXPIRE_ORDERS, ORDER_CHANGE, ORDER_CREATE } from "./statements.ts";

// The events that a write has put into the outbox, from what its statement returned. None of an
// order that was made before, or not changed.

/** `rows` has one row an order, as `orders`. */
export function createEvents(
  orders: readonly NewOrder[],
  rows: readonly RowOf<typeof ORDER_CREATE.columns>[],
): OrderEventRow[] {
  return rows.flatMap(({ kind, order_id, first_event, second_event, at }, index) => {
    if (first_event === null) return [];
    const { userId, traceparent } = orders[index] as NewOrder;
    const event = { order_id, user_id: userId, at, traceparent, refused_before: null };
    const second = kind === "short"
      ? { status: "failed", reason: "out_of_stock" }
      : { status: "awaiting payment", reason: null };
    return [
      { ...event, id: first_event, seq: 1, status: "new", reason: null },
      { ...event, id: second_event, seq: 2, ...second },
    ];
  });
}

/** `rows` has one row an order, as `changes`. */
export function changeEvents(
  status: "payed" | "cancelled",
  changes: readonly OrderChange[],
  rows: readonly RowOf<typeof ORDER_CHANGE.columns>[],
): OrderEventRow[] {
  const reason = status === "cancelled" ? "buyer" : null;
  return rows.flatMap(({ event_id: id, user_id, seq, at }, index) => {
    if (id === null) return [];
    const { orderId: order_id, traceparent } = changes[index] as OrderChange;
    return [{ id, order_id, user_id, seq, status, at, traceparent, refused_before: null, reason }];
  });
}

export function expiryEvents(
  rows: readonly RowOf<typeof EXPIRE_ORDERS.columns>[],
  { traceparent }: Pick<RequestContext, "traceparent">,
): OrderEventRow[] {
  return rows.map(({ event_id: id, order_id, user_id, seq, at }) => ({
    ...{ id, order_id, user_id, seq, at, traceparent },
    ...{ status: "cancelled", refused_before: null, reason: "payment_timeout" },
  }));
}

export const ORDER_TRANSITIONS_TOTAL = counterFamily({
  name: "order_transitions_total",
  help: "Orders that went from one status to the next; `none` is where a new one comes from. " +
    "`reason` is why an order was cancelled or failed",
  labels: ["from", "to", "reason"],
});

export const ORDER_VALUE_TOTAL = counterFamily({
  name: "order_value_total",
  help: "What orders cost, in units of price, by the status that they got; without orders that " +
    "have a line without a price",
  labels: ["to"],
});

export const ORDER_LATE_PAYMENTS_TOTAL = counterFamily({
  name: "order_late_payments_total",
  help: "Payments that were refused because the order was cancelled or past its deadline",
  labels: [],
});

export const STOCK_RESERVATIONS_SHORT_TOTAL = counterFamily({
  name: "stock_reservations_short_total",
  help: "Lines of orders that stock could not cover, so that the order failed",
  labels: [],
});

/** The reasons for which orders get a status; no label for the others. */
const REASONS: Readonly<Partial<Record<OrderStatus, readonly EndReason[]>>> = {
  cancelled: ["buyer", "payment_timeout"],
  failed: ["out_of_stock"],
};

/** Counts the status changes that this process makes and knows of, by their events. */
export function orderCounters(metrics: Metrics) {
  const transitions = metrics.counter(ORDER_TRANSITIONS_TOTAL);
  const values = metrics.counter(ORDER_VALUE_TOTAL);
  const latePayments = metrics.counter(ORDER_LATE_PAYMENTS_TOTAL);
  const shortLines = metrics.counter(STOCK_RESERVATIONS_SHORT_TOTAL);
  // Each status has one before it.
  const sources = new Map(ORDER_STATUSES.map((to) => [to, sourcesOf(to)[0] ?? "none"]));
  const count = (to: OrderStatus, reason: string | null, orders: number) => {
    const labels = { from: sources.get(to) ?? "none", to, ...reason && { reason } };
    transitions.inc(labels, orders);
  };
  // From the start, so that the first of a kind is seen as an increase.
  for (const to of ORDER_STATUSES) {
    for (const reason of REASONS[to] ?? [null]) count(to, reason, 0);
  }
  const addValue = (to: "awaiting payment" | "payed", price = 0n) => {
    values.inc({ to }, Number(price));
  };
  addValue("awaiting payment");
  addValue("payed");

  return {
    countEvents(events: readonly OrderEventRow[]): void {
      for (const { status, reason } of events) count(status as OrderStatus, reason, 1);
    },
    /** `rows` has one row an order, as `orders`. */
    countCreated(
      orders: readonly NewOrder[],
      rows: readonly RowOf<typeof ORDER_CREATE.columns>[],
    ): void {
      for (const [index, { kind, first_event, shortage }] of rows.entries()) {
        if (first_event === null) continue;
        if (kind === "short") shortLines.inc((shortage as StoredShortage).skus_total);
        else addValue("awaiting payment", orderTotalPrice(orders[index]?.items ?? []));
      }
    },
    countPayments(rows: readonly RowOf<typeof ORDER_CHANGE.columns>[]): void {
      for (const { kind, status, total_price } of rows) {
        if (kind === "changed") addValue("payed", total_price ?? 0n);
        // As loms_order_change_events records them.
        const isLate = kind === "payment_overdue" ||
          kind === "wrong_status" && status === "cancelled";
        if (isLate) latePayments.inc(1);
      }
    },
  };
}
