import type { StockEvent } from "../../proto/stock-event.ts";
import type { RowOf } from "../../shared/postgres/statement.ts";
import type { Outbox } from "./outbox.ts";
import { stockEventMessage } from "./stock-event-message.ts";
import {
  STOCK_OUTBOX_BACKLOG,
  STOCK_OUTBOX_CLEAN,
  STOCK_OUTBOX_MARK,
  STOCK_OUTBOX_READ,
  STOCK_OUTBOX_REFUSE,
} from "./stock-statements.ts";

type Row = RowOf<typeof STOCK_OUTBOX_READ.columns>;

const eventId = ({ sku, id }: Row) => `${sku}-${id}`;

/**
 * The outbox of stock events. It is separate because a relay of an older release would publish its
 * rows as order events.
 */
export const STOCK_OUTBOX: Outbox = {
  read: STOCK_OUTBOX_READ,
  mark: STOCK_OUTBOX_MARK,
  refuse: STOCK_OUTBOX_REFUSE,
  clean: STOCK_OUTBOX_CLEAN,
  backlog: STOCK_OUTBOX_BACKLOG,
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
