import { defineStatement } from "../../shared/postgres/statement.ts";
import { totalPriceOf } from "./order-item.ts";

// The functions are in drizzle/loms/functions. The last parameter of those that write is a
// Durability.

export const ORDER_CREATE = defineStatement({
  name: "order_create",
  kind: "insert",
  text: `select place, kind, order_id, shortage, first_event, second_event, at, stock_events
    from loms_order_create_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
  parameters: [
    "int8[]",
    "text[]",
    "text[]",
    "int4[]",
    "int8[]",
    "int4[]",
    "int8[]",
    "int8",
    "int4",
    "text",
  ],
  columns: {
    place: "int4",
    kind: "text",
    order_id: "int8",
    shortage: "jsonb?",
    first_event: "int8?",
    second_event: "int8?",
    at: "text",
    stock_events: "bool",
  },
});

/** `total_price` is the total price of an order that becomes payed; null if a line has no price. */
export const ORDER_CHANGE = defineStatement({
  name: "order_change",
  kind: "update",
  text: `select place, kind, status, event_id, user_id, seq, at, stock_events,
    case when kind = 'changed' and $3 = 'payed'
      then ${totalPriceOf("($1::int8[])[place]")} end as total_price
    from loms_order_change_events($1, $2, $3, $4, $5)`,
  parameters: ["int8[]", "text[]", "text", "text[]", "text"],
  columns: {
    place: "int4",
    kind: "text",
    status: "text?",
    event_id: "int8?",
    user_id: "int8?",
    seq: "int4?",
    at: "text?",
    stock_events: "bool",
    total_price: "int8?",
  },
});

export const EXPIRE_ORDERS = defineStatement({
  name: "expire_orders",
  kind: "update",
  text: `select event_id, order_id, user_id, seq, at, stock_events
    from loms_expire_orders_events($1, $2, $3, $4)`,
  parameters: ["int4", "text", "int8", "text"],
  columns: {
    event_id: "int8",
    order_id: "int8",
    user_id: "int8",
    seq: "int4",
    at: "text",
    stock_events: "bool",
  },
});

/** An empty commit, which waits for every synchronous replica. */
export const COMMIT_PROBE = defineStatement({
  name: "commit_probe",
  kind: "insert",
  text: `select set_config('synchronous_commit', 'remote_apply', true) as durability,
      pg_logical_emit_message(true, 'loms', 'probe')::text as position`,
  parameters: [],
  columns: { durability: "text", position: "text" },
});

/**
 * What a commit waits for: the primary's timeline, which a promotion changes, the setting, and the
 * standbys that it selects. On a standby it differs from all of these.
 */
const SYNC_STANDBYS_TEXT = `concat_ws(
    ' ',
    case when not pg_is_in_recovery() then
      'timeline ' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)
    end,
    quote_literal(current_setting('synchronous_standby_names')),
    (
      select string_agg(application_name, ', ' order by application_name)
      from pg_stat_replication where sync_state = 'sync'
    )
  )`;

/**
 * The primary's senders: one row per connected standby, or one row without a sender. `may_see` is
 * whether the account may see more than their number. `position` is the end of the primary's log;
 * it is volatile, so it is read after the senders.
 */
export const SENDERS = defineStatement({
  name: "senders",
  kind: "select",
  text: `select pg_has_role('pg_read_all_stats', 'usage') as may_see,
      quote_ident(current_user) as account,
      ${SYNC_STANDBYS_TEXT} as standbys,
      case when not pg_is_in_recovery() then pg_current_wal_flush_lsn()::text end as position,
      sender.application_name, slot.slot_name::text, sender.sync_state
    from (values (true)) one (row)
    left join pg_stat_replication sender on true
    left join pg_replication_slots slot on slot.active_pid = sender.pid`,
  parameters: [],
  columns: {
    may_see: "bool",
    account: "text",
    standbys: "text",
    position: "text?",
    application_name: "text?",
    slot_name: "text?",
    sync_state: "text?",
  },
});

/** The standbys that a commit currently waits for. */
export const SYNC_STANDBYS = defineStatement({
  name: "sync_standbys",
  kind: "select",
  text: `select ${SYNC_STANDBYS_TEXT} as standbys`,
  parameters: [],
  columns: { standbys: "text" },
});

/** The names of a replica's receiver on the primary. */
export const RECEIVER = defineStatement({
  name: "receiver",
  kind: "select",
  text: "select slot_name, conninfo from pg_stat_wal_receiver",
  parameters: [],
  columns: { slot_name: "text?", conninfo: "text?" },
});

/** Ends the wait for a replica in every session except those of an application. */
export const END_WAITS = defineStatement({
  name: "end_waits",
  kind: "select",
  text: `select count(pg_cancel_backend(pid)) as ended from pg_stat_activity
    where wait_event = 'SyncRep' and datname = current_database() and application_name <> $1`,
  parameters: ["text"],
  columns: { ended: "int8" },
});

/** The end of the primary's log. */
export const PRIMARY_POSITION = defineStatement({
  name: "primary_position",
  kind: "select",
  text: "select pg_current_wal_flush_lsn()::text as position",
  parameters: [],
  columns: { position: "text" },
});

/** Whether a replica follows its primary and has replayed a position; '' for no position. */
export const REPLICA_STATE = defineStatement({
  name: "replica_state",
  kind: "select",
  text: `select pg_is_in_recovery() as in_recovery,
      exists (select from pg_stat_wal_receiver where status = 'streaming') as streaming,
      coalesce(pg_last_wal_replay_lsn() >= nullif($1, '')::pg_lsn, false) as caught_up`,
  parameters: ["text"],
  columns: { in_recovery: "bool", streaming: "bool", caught_up: "bool" },
});
