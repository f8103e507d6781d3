import { type OrderStatus, TRANSITIONS } from "../../proto/order-status.ts";
import { counterFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import type { OrderCreateOutcome, OrderWriter } from "../domain/deps.ts";

export const ORDER_TRANSITIONS_TOTAL = counterFamily({
  name: "order_transitions_total",
  help: "Orders that went from one status to the next; `none` is where a new one comes from",
  labels: ["from", "to"],
});

export const STOCK_RESERVATIONS_SHORT_TOTAL = counterFamily({
  name: "stock_reservations_short_total",
  help: "Lines of orders that stock could not cover, so that the order failed",
  labels: [],
});

/**
 * A repeated idempotency key gets the first answer again, and nothing in it says so: the orders made
 * last are remembered (some 1 MB), and not counted twice.
 */
const REMEMBERED_MAX = 10_000;

/** The same writer; the transitions that it makes are counted. */
export function countedWriter(writer: OrderWriter, metrics: Metrics): OrderWriter {
  const transitions = metrics.counter(ORDER_TRANSITIONS_TOTAL);
  const shortLines = metrics.counter(STOCK_RESERVATIONS_SHORT_TOTAL);
  const count = (from: OrderStatus | "none", to: OrderStatus, orders = 1) =>
    transitions.inc({ from, to }, orders);
  // From the start, so that the first of a kind is seen as an increase.
  count("none", "new", 0);
  for (const [from, tos] of Object.entries(TRANSITIONS)) {
    for (const to of tos) count(from as OrderStatus, to, 0);
  }
  const made = new Set<bigint>();

  function countMade(outcome: OrderCreateOutcome): void {
    if (outcome.kind === "key_reused") return;
    const { orderId } = outcome.kind === "short" ? outcome.shortage : outcome;
    if (made.has(orderId)) return;
    made.add(orderId);
    for (const oldest of made) {
      if (made.size <= REMEMBERED_MAX) break;
      made.delete(oldest);
    }
    count("none", "new");
    count("new", outcome.kind === "short" ? "failed" : "awaiting payment");
    if (outcome.kind === "short") shortLines.inc(outcome.shortage.skusTotal);
  }

  function changeTo(to: "payed" | "cancelled"): OrderWriter["orderPay"] {
    const change = to === "payed" ? writer.orderPay : writer.orderCancel;
    return async (changes, context) => {
      const outcomes = await change(changes, context);
      count("awaiting payment", to, outcomes.filter(({ kind }) => kind === "changed").length);
      return outcomes;
    };
  }

  return {
    async orderCreate(orders, context) {
      const outcomes = await writer.orderCreate(orders, context);
      outcomes.forEach(countMade);
      return outcomes;
    },
    orderPay: changeTo("payed"),
    orderCancel: changeTo("cancelled"),
    async expireOrders(max, context) {
      const cancelled = await writer.expireOrders(max, context);
      count("awaiting payment", "cancelled", cancelled);
      return cancelled;
    },
  };
}
