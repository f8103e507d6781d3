import { defineStatement } from "../../shared/postgres/statement.ts";

// The functions are in drizzle/loms/migrations, with what they take and answer.

export const OUTBOX_TAKE = defineStatement({
  name: "outbox_take",
  kind: "update",
  text: `select state, id, order_id, user_id, seq, status, at, traceparent
    from loms_outbox_take($1, $2, $3)`,
  parameters: ["uuid", "int4", "int4"],
  columns: {
    state: "text",
    id: "int8?",
    order_id: "int8?",
    user_id: "int8?",
    seq: "int4?",
    status: "text?",
    at: "text?",
    traceparent: "text?",
  },
});

export const OUTBOX_MARK = defineStatement({
  name: "outbox_mark",
  kind: "update",
  text: "select loms_outbox_mark($1, $2, $3) as done",
  parameters: ["uuid", "int8[]", "bool"],
  columns: { done: "void" },
});

/** $1 are ids in the outbox, $2 the bus's reasons. What is noted already stays as it was noted. */
export const OUTBOX_REFUSE = defineStatement({
  name: "outbox_refuse",
  kind: "insert",
  text: `insert into outbox_refused (order_id, seq, reason, refused_at)
    select event.order_id, event.seq, refused.reason, clock_timestamp()
    from unnest($1::int8[], $2::text[]) refused (id, reason)
    join outbox event on event.id = refused.id
    order by event.order_id, event.seq
    on conflict do nothing`,
  parameters: ["int8[]", "text[]"],
  columns: {},
});

export const OUTBOX_CLEAN = defineStatement({
  name: "outbox_clean",
  kind: "delete",
  text: "select loms_outbox_clean($1, $2) as deleted",
  parameters: ["int8", "int4"],
  columns: { deleted: "int4" },
});

export const OUTBOX_BACKLOG = defineStatement({
  name: "outbox_backlog",
  kind: "select",
  text: `select count(*) as events,
      coalesce(
        greatest(extract(epoch from clock_timestamp() - min(at)), 0), 0
      )::float8 as oldest_age_seconds,
      (select count(*) from outbox_refused) as refused
    from outbox where published_at is null`,
  parameters: [],
  columns: { events: "int8", oldest_age_seconds: "float8", refused: "int8" },
});
