import { defineStatement } from "../../shared/postgres/statement.ts";

export const LAST_SEQ = defineStatement({
  name: "notifier.last_seq",
  kind: "select",
  text: "select seq from notifier.last_shown where order_id = $1::int8",
  parameters: ["int8"],
  columns: { seq: "int4" },
});

/** A newer one stays. */
export const REMEMBER = defineStatement({
  name: "notifier.remember",
  kind: "insert",
  text: `insert into notifier.last_shown as old (order_id, seq, final)
    values ($1::int8, $2::int4, $3::bool)
    on conflict (order_id) do update
    set seq = excluded.seq, final = excluded.final, shown_at = excluded.shown_at
    where old.seq < excluded.seq`,
  parameters: ["int8", "int4", "bool"],
  columns: {},
});

/** Rows that another process is forgetting are left to it. */
export const FORGET_FINAL = defineStatement({
  name: "notifier.forget_final",
  kind: "delete",
  text: `with old as (
      select order_id from notifier.last_shown
      where final and shown_at < now() - $1::int8 * interval '1 ms'
      order by shown_at limit $2::int4 for update skip locked
    ), gone as (
      delete from notifier.last_shown where order_id in (select order_id from old) returning 1
    )
    select count(*)::int4 as forgotten from gone`,
  parameters: ["int8", "int4"],
  columns: { forgotten: "int4" },
});
