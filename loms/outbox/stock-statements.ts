import { defineStatement } from "../../shared/postgres/statement.ts";

// The statements of the outbox of stock events; statements.ts has those of order events.

export const STOCK_OUTBOX_READ = defineStatement({
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

export const STOCK_OUTBOX_MARK = defineStatement({
  name: "stock_outbox_mark",
  kind: "update",
  text: "select loms_stock_outbox_mark($1, $2, $3) as done",
  parameters: ["uuid", "int8[]", "bool"],
  columns: { done: "void" },
});

/**
 * $1: ids in the outbox, $2: the bus's reasons. An event that is already recorded does not change.
 */
export const STOCK_OUTBOX_REFUSE = defineStatement({
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

export const STOCK_OUTBOX_CLEAN = defineStatement({
  name: "stock_outbox_clean",
  kind: "delete",
  text: "select loms_stock_outbox_clean($1, $2) as deleted",
  parameters: ["int8", "int4"],
  columns: { deleted: "int4" },
});

export const STOCK_OUTBOX_BACKLOG = defineStatement({
  name: "stock_outbox_backlog",
  kind: "select",
  text: `select count(*) as events,
      coalesce(
        greatest(extract(epoch from clock_timestamp() - min(at)), 0), 0
      )::float8 as oldest_age_seconds,
      (select count(*) from stock_outbox_refused) as refused
    from stock_outbox
    where published_at is null and id >= (select floor from stock_outbox_lease where only_row)`,
  parameters: [],
  columns: { events: "int8", oldest_age_seconds: "float8", refused: "int8" },
});
