import type { RowOf } from "../../shared/postgres/statement.ts";
import type { SENDERS } from "./statements.ts";

// Finds the row of a replica in the primary's pg_stat_replication. Addresses do not identify it:
// between containers and behind proxies each side has another one. So the replica reports the name
// of its receiver: its replication slot, which one sender has, or else its application_name, by
// which synchronous_standby_names selects.

/** The name under which a standby's receiver is connected to its primary. */
export type StandbyIdentity =
  | { readonly by: "slot"; readonly name: string }
  | { readonly by: "application_name"; readonly name: string };

/** A connected standby, as the primary sees it; null in every column: there is none. */
export type Sender = Pick<
  RowOf<typeof SENDERS.columns>,
  "application_name" | "slot_name" | "sync_state"
>;

/**
 * Only "sync" has each acknowledged commit; the other states are the reason why a replica has not.
 */
export type SyncState = "sync" | "potential" | "quorum" | "async" | "not connected" | "ambiguous";

/**
 * The identity in a row of pg_stat_wal_receiver. libpq's application_name is in its conninfo only
 * when it is set; the fallback (cluster_name, or "walreceiver") always is, and follows it.
 */
export function standbyIdentity(
  slotName: string | null,
  conninfo: string | null,
): StandbyIdentity | undefined {
  if (slotName) return { by: "slot", name: slotName };
  const named = /(?:^| )application_name=(.*?) fallback_application_name=/.exec(conninfo ?? "");
  const fallback = /(?:^| )fallback_application_name=(.*?)(?: [a-z_]+=|$)/.exec(conninfo ?? "");
  const name = named?.[1] ?? fallback?.[1];
  return name === undefined ? undefined : { by: "application_name", name };
}

/**
 * The state of a replica among the primary's senders. Several senders may share a name: the replica
 * may be any of them, so it is "sync" when all of them are. `sharers` is how many replicas have
 * this identity: with fewer senders than that, one of them is not connected.
 */
export function syncStateOf(
  identity: StandbyIdentity,
  senders: readonly Sender[],
  sharers: number,
): SyncState {
  const matches = senders.filter(({ slot_name, application_name, sync_state }) =>
    sync_state !== null &&
    identity.name === (identity.by === "slot" ? slot_name : application_name)
  );
  const [first] = matches;
  if (!first) return "not connected";
  if (matches.length < sharers) return "ambiguous";
  const others = matches.find(({ sync_state }) => sync_state !== first.sync_state);
  return others ? "ambiguous" : first.sync_state as SyncState;
}
