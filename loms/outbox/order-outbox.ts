import { ORDER_EVENT_ATTRIBUTES, type OrderEvent } from "../../proto/order-event.ts";
import { type OutgoingMessage, REFUSED_BEFORE } from "../../shared/bus/bus.ts";
import { defineStatement, type RowOf } from "../../shared/postgres/statement.ts";
import { eventMessage } from "./event-message.ts";
import { type Outbox, statementsOf } from "./outbox.ts";

/**
 * `refused_before` lists the ids of the order's earlier events that the bus refused; `reason` is
 * why the order ended.
 */
export const OUTBOX_READ = defineStatement({
  name: "outbox_read",
  kind: "update",
  text: `select state, awaited, id, order_id, user_id, seq, status, at, traceparent,
      refused_before, reason
    from loms_outbox_read($1, $2, $3, $4, $5)`,
  parameters: ["uuid", "int4", "int8[]", "int4", "text"],
  columns: {
    state: "text",
    awaited: "bool",
    id: "int8?",
    order_id: "int8?",
    user_id: "int8?",
    seq: "int4?",
    status: "text?",
    at: "text?",
    traceparent: "text?",
    refused_before: "text?",
    reason: "text?",
  },
});

/** An order event, as a row of the outbox. */
export type OrderEventRow = Omit<RowOf<typeof OUTBOX_READ.columns>, "state" | "awaited">;

/** The event as a message. */
export function orderEventMessage(event: OrderEvent, traceparent: string): OutgoingMessage {
  return eventMessage(String(event.order_id), event, ORDER_EVENT_ATTRIBUTES, traceparent);
}

/** The outbox of order events. */
export const ORDER_OUTBOX: Outbox = {
  read: OUTBOX_READ,
  ...statementsOf("outbox", "order_id, seq"),
  toMessage(row: OrderEventRow) {
    const event = {
      id: `${row.order_id}-${row.seq}`,
      order_id: row.order_id,
      user_id: row.user_id,
      seq: row.seq,
      status: row.status,
      at: row.at,
      ...(row.reason !== null && { reason: row.reason }),
    } as OrderEvent;
    const message = orderEventMessage(event, row.traceparent as string);
    if (row.refused_before === null) return message;
    return { ...message, headers: { ...message.headers, [REFUSED_BEFORE]: row.refused_before } };
  },
  nameOf: (row: OrderEventRow) => ({ order_id: row.order_id as bigint, seq: row.seq as number }),
  // The successors of an event list the refused ones before them, so they list those of the event,
  // too.
  placeOf: (row: OrderEventRow) => ({
    key: row.order_id as bigint,
    seq: row.refused_before === null ? row.seq as number : undefined,
  }),
};
