import type { OrderEvent } from "../../proto/order-event.ts";
import { REFUSED_BEFORE } from "../../shared/bus/bus.ts";
import type { RowOf } from "../../shared/postgres/statement.ts";
import { orderEventMessage } from "./order-event-message.ts";
import type { Outbox } from "./outbox.ts";
import {
  OUTBOX_BACKLOG,
  OUTBOX_CLEAN,
  OUTBOX_MARK,
  OUTBOX_READ,
  OUTBOX_REFUSE,
} from "./statements.ts";

/** An order event, as a row of the outbox. */
export type OrderEventRow = Omit<RowOf<typeof OUTBOX_READ.columns>, "state" | "awaited">;

/** The outbox of order events. */
export const ORDER_OUTBOX: Outbox = {
  read: OUTBOX_READ,
  mark: OUTBOX_MARK,
  refuse: OUTBOX_REFUSE,
  clean: OUTBOX_CLEAN,
  backlog: OUTBOX_BACKLOG,
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
