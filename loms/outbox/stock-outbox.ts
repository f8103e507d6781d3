import { STOCK_EVENT_SOURCE, STOCK_EVENT_TYPE, type StockEvent } from "../../proto/stock-event.ts";
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

/**
 * $1: ids in the outbox, $2: the bus's reasons. An event that is already recorded does not change.
 */
const STOCK_OUTBOX_REFUSE = defineStatement({
  name: "stock_outbox_refuse",
  kind: "insert",
  text: `with durability as materialized (select set_config('synchronous_commit', 'local', true))
    insert into stock_outbox_refused (id, sku, reason, refused_at)
    select event.id, event.sku, refused.reason, clock_timestamp()
    from durability cross join unnest($1::int8[], $2::text[]) refused (id, reason)
    join stock_outbox event on event.id = refused.id
    order by event.id
    on conflict do nothing`,
  parameters: ["int8[]", "text[]"],
  columns: {},
});

type Row = RowOf<typeof STOCK_OUTBOX_READ.columns>;

const eventId = ({ sku, id }: Row) => `${sku}-${id}`;

const ATTRIBUTES = { type: STOCK_EVENT_TYPE, source: STOCK_EVENT_SOURCE };

/** The event as a message. */
export function stockEventMessage(event: StockEvent, traceparent: string): OutgoingMessage {
  return eventMessage(String(event.sku), event, ATTRIBUTES, traceparent);
}

/**
 * The outbox of stock events. It is separate because a relay of an older release would publish its
 * rows as order events.
 */
export const STOCK_OUTBOX: Outbox = {
  read: STOCK_OUTBOX_READ,
  refuse: STOCK_OUTBOX_REFUSE,
  ...statementsOf("stock_outbox"),
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
