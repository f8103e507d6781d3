import { defineStatement } from "../../shared/postgres/statement.ts";

// The functions are in drizzle/loms/migrations, with what they take and answer.

export const ORDER_CREATE = defineStatement({
  name: "order_create",
  kind: "insert",
  text: `select place, kind, order_id, shortage
    from loms_order_create($1, $2, $3, $4, $5, $6, $7, $8)`,
  parameters: ["int8[]", "text[]", "text[]", "int4[]", "int8[]", "int4[]", "int8", "int4"],
  columns: { place: "int4", kind: "text", order_id: "int8", shortage: "jsonb?" },
});

export const ORDER_CHANGE = defineStatement({
  name: "order_change",
  kind: "update",
  text: "select place, kind, status from loms_order_change($1, $2, $3)",
  parameters: ["int8[]", "text[]", "text"],
  columns: { place: "int4", kind: "text", status: "text?" },
});

export const EXPIRE_ORDERS = defineStatement({
  name: "expire_orders",
  kind: "update",
  text: "select loms_expire_orders($1, $2) as cancelled",
  parameters: ["int4", "text"],
  columns: { cancelled: "int4" },
});

/** Writes nothing but a commit, which waits for the replicas like any other. */
export const COMMIT_PROBE = defineStatement({
  name: "commit_probe",
  kind: "insert",
  text: "select pg_logical_emit_message(true, 'loms', 'probe')::text as position",
  parameters: [],
  columns: { position: "text" },
});

/** Ends the wait for a replica of every session but those of an application. */
export const END_WAITS = defineStatement({
  name: "end_waits",
  kind: "select",
  text: `select count(pg_cancel_backend(pid)) as ended from pg_stat_activity
    where wait_event = 'SyncRep' and datname = current_database() and application_name <> $1`,
  parameters: ["text"],
  columns: { ended: "int8" },
});

/** How far the primary is, as a position in its log. */
export const PRIMARY_POSITION = defineStatement({
  name: "primary_position",
  kind: "select",
  text: "select pg_current_wal_flush_lsn()::text as position",
  parameters: [],
  columns: { position: "text" },
});

/** Whether a replica follows, and has what the primary had at a position; '' asks for none. */
export const REPLICA_STATE = defineStatement({
  name: "replica_state",
  kind: "select",
  text: `select pg_is_in_recovery() as in_recovery,
      exists (select from pg_stat_wal_receiver where status = 'streaming') as streaming,
      coalesce(pg_last_wal_replay_lsn() >= nullif($1, '')::pg_lsn, false) as caught_up`,
  parameters: ["text"],
  columns: { in_recovery: "bool", streaming: "bool", caught_up: "bool" },
});
