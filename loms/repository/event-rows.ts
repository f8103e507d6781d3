import type { RequestContext } from "../../shared/async/request-context.ts";
import type { RowOf } from "../../shared/postgres/statement.ts";
import type { NewOrder, OrderChange } from "../domain/deps.ts";
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
