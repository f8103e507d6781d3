import type postgres from "postgres";
import { sleep, systemClock } from "../../shared/async/request-context.ts";
import { type Finding, VIOLATIONS_MAX } from "./finding.ts";
import { type Snapshot, textArray } from "./snapshot.ts";

/** Orders per query; a short query does not delay replay. */
const CHUNK_MAX = 10_000;
const CATCH_UP_MAX_MS = 15_000;
const CATCH_UP_POLL_MS = 50;

/** An order with the seq of its last event. */
interface OrderSeq {
  readonly order: string;
  readonly seq: number;
}

/**
 * The position of the primary's log at the snapshot. A standby that has replayed it has everything
 * in the snapshot.
 */
export async function positionOf(snapshot: Snapshot): Promise<string> {
  const [row] = await snapshot<{ position: string }[]>`
    select pg_current_wal_flush_lsn()::text as position`;
  return row?.position ?? "0/0";
}

/** @throws {Error} if the replica has not replayed the position in time */
export async function waitForReplay(replica: postgres.Sql, position: string): Promise<void> {
  const deadline = performance.now() + CATCH_UP_MAX_MS;
  for (;;) {
    const [row] = await replica<{ replayed: boolean; at: string }[]>`
      select pg_last_wal_replay_lsn() >= ${position}::text::pg_lsn as replayed,
        pg_last_wal_replay_lsn()::text as at`;
    if (row?.replayed) return;
    if (performance.now() > deadline) {
      throw new Error(`it is at ${row?.at} and the primary was at ${position}`);
    }
    await sleep(systemClock, CATCH_UP_POLL_MS);
  }
}

/** The replica has every order of the primary's snapshot, with the same or a later status. */
export async function checkReplica(
  name: string,
  snapshot: Snapshot,
  replica: postgres.Sql,
): Promise<Finding> {
  const violations: string[] = [];
  let checked = 0;
  const orders = snapshot<OrderSeq[]>`select order_id::text as order, seq from orders`;
  for await (const chunk of orders.cursor(CHUNK_MAX)) {
    checked += chunk.length;
    if (violations.length < VIOLATIONS_MAX) violations.push(...await missingOn(replica, chunk));
  }
  return { invariant: `orders on ${name}`, checked, of: "orders", violations };
}

async function missingOn(replica: postgres.Sql, orders: readonly OrderSeq[]): Promise<string[]> {
  const behind = await replica<{ order: string; seq: number; found: number | null }[]>`
    select requested.order_id::text as order, requested.seq, stored.seq as found
    from unnest(
      ${textArray(orders.map(({ order }) => order))}::text::int8[],
      ${textArray(orders.map(({ seq }) => seq))}::text::int4[]
    ) requested (order_id, seq)
    left join orders stored using (order_id)
    where stored.seq is null or stored.seq < requested.seq
    order by requested.order_id limit ${VIOLATIONS_MAX}`;
  return behind.map(({ order, seq, found }) =>
    found === null
      ? `order ${order} is not there`
      : `order ${order} is at event ${found}, on the primary at ${seq}`
  );
}
