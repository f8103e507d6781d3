import { systemClock } from "../shared/async/request-context.ts";
import type { ServiceParts } from "../shared/open-service.ts";
import { checkDefaults } from "../shared/postgres/check-defaults.ts";
import { observedStatements, Pool, type PoolOptions } from "../shared/postgres/pool.ts";
import { gaugeFamily } from "../shared/telemetry/metrics.ts";
import { backgroundContext } from "../shared/telemetry/tracing.ts";
import type { LomsConfig } from "./config.ts";
import type { OrderPages, OrderReader } from "./domain/deps.ts";
import type { StockReader } from "./domain/stock-deps.ts";
import {
  type CommitProbeOptions,
  createCommitProbe,
  PROBE_APPLICATION_NAME,
} from "./repository/commit-probe.ts";
import { ListedReplicas, type Replica, type SyncStates } from "./repository/listed-replicas.ts";
import { createOrderPages } from "./repository/order-list.ts";
import { ReadRouting, REPLICA_READ_TIMEOUT_MS } from "./repository/read-routing.ts";
import { createGroupedReader, createOrderSetReader } from "./repository/reader.ts";
import { ReplicatedWrites } from "./repository/replicated-writes.ts";
import { Replication, type ReplicationState } from "./repository/replication.ts";
import { createStockReader } from "./repository/stock-reader.ts";

// The order of openDatabases(). Each step uses what the earlier ones have opened.
//
//   1. reads, probes, marks: pools of the primary; replicas: a pool for each listed replica
//   2. listed: queries `reads` and the replicas for which of them are synchronous
//   3. writes: runs writes according to its admission
//   4. replication: commits through `probes` and sets the admission of `writes`. This step ends
//      when the state of replication is known, before any caller can write or read
//   5. routing: sends reads to the replicas that are synchronous and have caught up, while
//      `replication` reports that they have every acknowledged write
//   6. the readers, which use `routing`
//
// Two calls go from an earlier step to a later one:
//
//   onConfirmed      after a confirmed probe, 4 passes the states of the replicas to 5 (and what
//                    commits wait for to 3). Before 5 is open, its first step queries them itself
//   onOtherStandbys  3 wakes 4 when commits wait for other standbys; the constructor of
//                    Replication sets this

export const DB_REPLICATION_STATE = gaugeFamily({
  name: "db_replication_state",
  help: "1 for the current state of replication, 0 for the others",
  labels: ["state"],
});

/** Concurrent statements per server. More would wait for the same locks and CPUs. */
const CONNECTIONS_MAX = 10;

/** For queries at the start, when the server has just been migrated. */
const START_TIMEOUT_MS = 10_000;

/**
 * Under a manager, another server may become the primary and other standbys synchronous at any
 * time. A query to the primary for the synchronous standbys permits reads from them for this long.
 */
const MANAGED_LEASE_MS = 1_000;
/**
 * How long after such a change no write is acknowledged. By then every process has seen the change
 * or has stopped reading from replicas, so none reads from one that lacks the write.
 */
const MANAGED_SETTLE_MS = MANAGED_LEASE_MS + REPLICA_READ_TIMEOUT_MS;

/** The metric's states; `unreplicated` if no replica is listed. */
const STATES = ["synchronous", "refusing", "degraded", "unreplicated"] as const;

type Opening = ServiceParts<LomsConfig>;

export interface Databases {
  /** Reads on the primary; they never wait behind commits. */
  readonly reads: Pool;
  /** Writes on the primary that answer a caller. */
  readonly writes: ReplicatedWrites;
  /** Writes on the primary that do not wait for a replica. */
  readonly marks: Pool;
  readonly replication: Replication;
  /** Reads of orders and stock, from the replicas. */
  readonly reader: OrderReader;
  /** Reads of order lists, from the replicas. */
  readonly orderPages: OrderPages;
  /** Reads of the stock with its ledger, from the replicas. */
  readonly stockReader: StockReader;
}

/** Opens the pools and probes. It does not wait for a replica that is unavailable. */
export async function openDatabases(parts: Opening): Promise<Databases> {
  const { config, opened } = parts;
  const pools: Pool[] = [];
  // Concurrently, because each may hold a commit that waits for its replica.
  opened.push("the databases", async () => {
    await Promise.all(pools.map((pool) => pool.close()));
  });
  const observe = observedStatements(parts.metrics, parts.tracing);
  const open = (
    pool: Partial<PoolOptions> & Pick<PoolOptions, "url" | "role">,
    observed: Pick<PoolOptions, "observe"> = { observe },
  ): Pool => {
    const connections = new Pool({
      max: CONNECTIONS_MAX,
      applicationName: "loms",
      prepared: config.DATABASE_PREPARED_STATEMENTS,
      ...observed,
      ...pool,
    });
    pools.push(connections);
    return connections;
  };
  const primary = { url: config.DATABASE_URL, role: "primary" } as const;

  const reads = open(primary);
  await checkDefaults(reads, "DATABASE_URL", backgroundContext(START_TIMEOUT_MS));
  // Without metrics and spans: probes wait for replicas, and this query follows every write.
  const probeName = { applicationName: PROBE_APPLICATION_NAME, keepsName: true };
  const probes = open({ ...primary, max: 1, ...probeName }, {});
  const replicas = config.DATABASE_REPLICA_URLS.map((url, index) => ({
    name: `replica ${index + 1}`,
    pool: open({ url, role: "replica" }),
  }));
  const listed = new ListedReplicas({ primary: reads, members: replicas, clock: systemClock });
  await listed.open();
  const marks = open(primary);
  const writes = new ReplicatedWrites({
    synchronous: open(primary),
    local: marks,
    standbys: replicas.length === 0 ? undefined : open({ ...primary, max: 1 }, {}),
    clock: systemClock,
  });
  let routing: ReadRouting | undefined;
  const onConfirmed = (states: SyncStates) => {
    writes.seenStandbys = states.standbys;
    routing?.replicas.take(states);
  };
  const replication = await openReplication(
    { reads, probes, listed, writes, onConfirmed },
    parts,
  );
  routing = await openRouting({ primary: reads, replicas, listed, replication }, parts);
  return {
    ...{ reads, writes, marks, replication },
    reader: createGroupedReader(createOrderSetReader(routing), parts.metrics),
    orderPages: createOrderPages(routing),
    stockReader: createStockReader(routing),
  };
}

async function openReplication(
  { writes, ...probing }:
    & Pick<CommitProbeOptions, "reads" | "probes" | "listed" | "onConfirmed">
    & { readonly writes: ReplicatedWrites },
  { config, log, metrics, logThrottled, opened }: Opening,
): Promise<Replication> {
  const { SYNC_REPLICA_POLICY: policy, SYNC_REPLICA_DEGRADE_AFTER: afterMs } = config;
  const replication = new Replication({
    probe: createCommitProbe({
      ...probing,
      clock: systemClock,
      settleMs: policy === "managed" ? MANAGED_SETTLE_MS : 0,
    }),
    writes,
    degradeAfterMs: policy === "degrade" ? afterMs : undefined,
    clock: systemClock,
    onState(state, problem) {
      const level = state === "synchronous" ? "info" : "error";
      log[level](STATE_MESSAGES[state], { replication: state, policy, problem });
    },
    onDegraded: () => logThrottled("error", STATE_MESSAGES.degraded),
  });
  const states = metrics.gauge(DB_REPLICATION_STATE);
  const isListed = config.DATABASE_REPLICA_URLS.length > 0;
  if (!isListed) log.info("no replica is listed: acknowledged writes depend on the primary alone");
  metrics.beforeScrape(() => {
    const now = isListed || replication.state !== "synchronous"
      ? replication.state
      : "unreplicated";
    for (const state of STATES) states.set({ state }, state === now ? 1 : 0);
  });
  // No write may be admitted before it is known what commits wait for.
  await replication.untilKnown(START_TIMEOUT_MS);
  replication.start();
  opened.push("the probes of replication", () => replication.close());
  return replication;
}

const STATE_MESSAGES = {
  synchronous: "commits reach the synchronous replica",
  refusing: "no synchronous replica confirms commits: writes are refused",
  degraded:
    "writes continue without the synchronous replica: the loss of the primary would lose them",
} as const satisfies Record<ReplicationState, string>;

async function openRouting(
  { primary, replicas, listed, replication }: {
    readonly primary: Pool;
    readonly replicas: readonly Replica[];
    readonly listed: ListedReplicas;
    readonly replication: Replication;
  },
  { config, log, opened }: Opening,
): Promise<ReadRouting> {
  const routing = new ReadRouting({
    primary,
    replicas,
    listed,
    clock: systemClock,
    leaseMs: config.SYNC_REPLICA_POLICY === "managed" ? MANAGED_LEASE_MS : Infinity,
    onHealth: ({ name }, healthy) => {
      if (healthy) log.info("a replica serves reads", { replica: name });
      else log.warn("a replica serves no reads", { replica: name });
    },
    areCurrent: () => replication.replicasAreCurrent,
  });
  await routing.replicas.step();
  routing.replicas.start();
  opened.push("the probes of the replicas", () => routing.replicas.close());
  return routing;
}
