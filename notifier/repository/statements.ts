import { defineStatement } from "../../shared/postgres/statement.ts";

// These commits do not wait for a replica: if the primary is lost, some events are shown once more,
// and nothing is lost. The setting is local to the transaction, because a pooler shares sessions.

export const LAST_SEQS = defineStatement({
  name: "notifier.last_seqs",
  kind: "select",
  text: "select order_id, seq from notifier.last_shown where order_id = any($1::int8[])",
  parameters: ["int8[]"],
  columns: { order_id: "int8", seq: "int4" },
});

/**
 * $1 and $2 are orders and their seqs, $3 the orders that ended, $4 those whose first event was
 * shown promptly. A newer seq stays. Rows are locked in the order of their ids, which avoids
 * deadlocks.
 */
export const REMEMBER = defineStatement({
  name: "notifier.remember",
  kind: "insert",
  text: `insert into notifier.last_shown as old (order_id, seq, final, since_first)
    select order_id, max(seq), order_id = any($3::int8[]), order_id = any($4::int8[])
    from unnest($1::int8[], $2::int4[]) as shown (order_id, seq)
    where (select set_config('synchronous_commit', 'local', true)) = 'local'
    group by order_id order by order_id
    on conflict (order_id) do update
    set seq = excluded.seq, final = excluded.final, shown_at = excluded.shown_at
    where old.seq < excluded.seq`,
  parameters: ["int8[]", "int4[]", "int8[]", "int8[]"],
  columns: {},
});

export const COVERS_BEGINNING = defineStatement({
  name: "notifier.covers_beginning",
  kind: "select",
  text: `select exists (
      select from notifier.last_shown where since_first and order_id < $1::int8
    ) as known`,
  parameters: ["int8"],
  columns: { known: "bool" },
});

export const NOTE_DEAD = defineStatement({
  name: "notifier.note_dead",
  kind: "insert",
  text: `insert into notifier.dead_events (order_id, seq)
    select $1::int8, $2::int4
    where (select set_config('synchronous_commit', 'local', true)) = 'local'
    on conflict do nothing`,
  parameters: ["int8", "int4"],
  columns: {},
});

export const DEAD_SEQS = defineStatement({
  name: "notifier.dead_seqs",
  kind: "select",
  text: "select seq from notifier.dead_events where order_id = $1::int8",
  parameters: ["int8"],
  columns: { seq: "int4" },
});

/** Skips rows that another process is deleting. */
export const FORGET_FINAL = defineStatement({
  name: "notifier.forget_final",
  kind: "delete",
  text: `with old as (
      select order_id from notifier.last_shown
      where (select set_config('synchronous_commit', 'local', true)) = 'local'
        and final and shown_at < now() - $1::int8 * interval '1 ms'
      order by shown_at limit $2::int4 for update skip locked
    ), dead as (
      delete from notifier.dead_events where noted_at < now() - $1::int8 * interval '1 ms'
    ), gone as (
      delete from notifier.last_shown where order_id in (select order_id from old) returning 1
    )
    select count(*)::int4 as forgotten from gone`,
  parameters: ["int8", "int4"],
  columns: { forgotten: "int4" },
});
