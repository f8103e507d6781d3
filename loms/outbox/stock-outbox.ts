import { STOCK_EVENT_ATTRIBUTES, type StockEvent } from "../../proto/stock-event.ts";
import type { OutgoingMessage } from "../../shared/bus/bus.ts";
import { defineStatement, type RowOf } from "../../shared/postgres/statement.ts";
import { eventMessage } from "./event-message.ts";
import { type Outbox, statementsOf } from "./outbox.ts";

const STOCK_OUTBOX_READ = defineStatement({
  name: "stock_outbox_read",
  kind: "update",
  text: `select state, awaited, id, sku, kind, available, total_count, at, traceparent
    from loms_stock_outbox_read($1, $2, $3, $4, $5)`,
  parameters: ["uuid", "int4", "int8[]", "int4", "text"],
  columns: {
    state: "text",
    awaited: "bool",
    id: "int8?",
    sku: "int8?",
    kind: "text?",
    available: "int8?",
    total_count: "int8?",
    at: "text?",
    traceparent: "text?",
  },
});

type Row = RowOf<typeof STOCK_OUTBOX_READ.columns>;

const eventId = ({ sku, id }: Row) => `${sku}-${id}`;

/** The event as a message. */
export function stockEventMessage(event: StockEvent, traceparent: string): OutgoingMessage {
  return eventMessage(String(event.sku), event, STOCK_EVENT_ATTRIBUTES, traceparent);
}

/**
 * The outbox of stock events. It is separate because a relay of an older release would publish its
 * rows as order events.
 */
export const STOCK_OUTBOX: Outbox = {
  read: STOCK_OUTBOX_READ,
  ...statementsOf("stock_outbox", "id, sku"),
  toMessage(row: Row) {
    const event = {
      id: eventId(row),
      sku: Number(row.sku),
      kind: row.kind,
      available: row.available,
      total_count: row.total_count,
      at: row.at,
    } as StockEvent;
    return stockEventMessage(event, row.traceparent as string);
  },
  nameOf: (row: Row) => ({ event: eventId(row), kind: row.kind as string }),
};
