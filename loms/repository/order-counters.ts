import {
  type EndReason,
  ORDER_STATUSES,
  type OrderStatus,
  sourcesOf,
} from "../../proto/order-status.ts";
import type { RowOf } from "../../shared/postgres/statement.ts";
import { counterFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import type { OrderCreateOutcome, OrderItem } from "../domain/deps.ts";
import { orderTotalPrice } from "../domain/order-create.ts";
import type { ORDER_CHANGE } from "./statements.ts";

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

/**
 * A repeated idempotency key gets the first outcome again, which looks like a new one: the orders
 * created last are remembered (about 1 MB), so as not to count them twice.
 */
const COUNTED_ORDERS_MAX = 10_000;

/** The reasons for which orders get a status; no label for the others. */
const REASONS: Readonly<Partial<Record<OrderStatus, readonly EndReason[]>>> = {
  cancelled: ["buyer", "payment_timeout"],
  failed: ["out_of_stock"],
};

type Payment = Pick<RowOf<typeof ORDER_CHANGE.columns>, "kind" | "status" | "total_price">;

/** Counts the status changes that this process makes. */
export function orderCounters(metrics: Metrics) {
  const transitions = metrics.counter(ORDER_TRANSITIONS_TOTAL);
  const values = metrics.counter(ORDER_VALUE_TOTAL);
  const latePayments = metrics.counter(ORDER_LATE_PAYMENTS_TOTAL);
  const shortLines = metrics.counter(STOCK_RESERVATIONS_SHORT_TOTAL);
  const count = (from: OrderStatus | "none", to: OrderStatus, orders = 1, reason?: EndReason) =>
    transitions.inc({ from, to, ...(reason && { reason }) }, orders);
  const addValue = (to: "awaiting payment" | "payed", price: bigint | null | undefined) =>
    values.inc({ to }, Number(price ?? 0n));
  // From the start, so that the first of a kind is seen as an increase.
  count("none", "new", 0);
  for (const to of ORDER_STATUSES) {
    for (const from of sourcesOf(to)) {
      for (const reason of REASONS[to] ?? [undefined]) count(from, to, 0, reason);
    }
  }
  addValue("awaiting payment", 0n);
  addValue("payed", 0n);
  const counted = new Set<bigint>();

  function isRepeated(orderId: bigint): boolean {
    if (counted.has(orderId)) return true;
    counted.add(orderId);
    for (const oldest of counted) {
      if (counted.size <= COUNTED_ORDERS_MAX) break;
      counted.delete(oldest);
    }
    return false;
  }

  return {
    countCancelled: (reason: "buyer" | "payment_timeout", orders: number) =>
      count("awaiting payment", "cancelled", orders, reason),
    countPayments(payments: readonly Payment[]): void {
      for (const { kind, status, total_price: price } of payments) {
        if (kind === "changed") {
          count("awaiting payment", "payed");
          addValue("payed", price);
        }
        // As loms_order_change_from records them.
        const isLate = kind === "payment_overdue" ||
          kind === "wrong_status" && status === "cancelled";
        if (isLate) latePayments.inc(1);
      }
    },
    countCreated(outcome: OrderCreateOutcome, items: readonly OrderItem[] = []): void {
      if (outcome.kind === "key_reused") return;
      const { orderId } = outcome.kind === "short" ? outcome.shortage : outcome;
      if (isRepeated(orderId)) return;
      count("none", "new");
      if (outcome.kind === "short") {
        count("new", "failed", 1, "out_of_stock");
        shortLines.inc(outcome.shortage.skusTotal);
      } else {
        count("new", "awaiting payment");
        addValue("awaiting payment", orderTotalPrice(items));
      }
    },
  };
}
