import { systemClock } from "../shared/async/clock.ts";
import type { SeldomLog } from "../shared/bus/seldom-log.ts";
import type { CloseStack } from "../shared/lifecycle.ts";
import { observeStatements } from "../shared/postgres/observe-statements.ts";
import { Pool, type PoolOptions, type StatementRunner } from "../shared/postgres/pool.ts";
import type { Logger } from "../shared/telemetry/log.ts";
import type { Metrics } from "../shared/telemetry/metrics.ts";
import type { Tracing } from "../shared/telemetry/tracing.ts";
import type { LomsConfig } from "./config.ts";
import type { OrderReader } from "./domain/deps.ts";
import { createCommitProbe, PROBE_APPLICATION_NAME } from "./repository/commit-probe.ts";
import { createOrderReader } from "./repository/reader.ts";
import { ReplicatedWrites } from "./repository/replicated-writes.ts";
import { Replication, type ReplicationState } from "./repository/replication.ts";

/** Statements at once on each server; more only wait for the same locks and the same processor. */
const CONNECTIONS_MAX = 10;

const STATES: readonly ReplicationState[] = ["synchronous", "refusing", "degraded"];

export interface DatabasesOptions {
  readonly config: LomsConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly logSeldom: SeldomLog;
  readonly opened: CloseStack;
}

/** loms' ways to its databases. */
export interface Databases {
  /** Of the primary, for what writes nothing: it never waits behind commits. */
  readonly reads: Pool;
  /** All that writes, on the primary. */
  readonly writes: StatementRunner;
  readonly replication: Replication;
  /** Orders and stock, from the replicas. */
  readonly reader: OrderReader;
}

/** Opens them; a server that is away is found out, and not waited for. */
export async function openDatabases(options: DatabasesOptions): Promise<Databases> {
  const { config, opened } = options;
  const pools: Pool[] = [];
  // Together, since each may hold a commit that waits for its replica.
  opened.push("the databases", async () => {
    await Promise.all(pools.map((pool) => pool.close()));
  });
  const open = (pool: Partial<PoolOptions> & Pick<PoolOptions, "url" | "role">): Pool => {
    const connections = new Pool({
      max: CONNECTIONS_MAX,
      applicationName: "loms",
      prepared: config.DATABASE_PREPARED_STATEMENTS,
      observe: observeStatements(options.metrics, options.tracing),
      ...pool,
    });
    pools.push(connections);
    return connections;
  };
  const primary = { url: config.DATABASE_URL, role: "primary" } as const;

  const reads = open(primary);
  const probes = open({
    ...primary,
    max: 1,
    applicationName: PROBE_APPLICATION_NAME,
    keepsName: true,
    observe: () => {},
  });
  const replication = await openReplication(reads, probes, options);
  const writes = new ReplicatedWrites({
    replication,
    synchronous: open(primary),
    local: open({ ...primary, synchronousCommit: "local" }),
  });
  const replicas = config.DATABASE_REPLICA_URLS.map((url, index) => ({
    name: `replica ${index + 1}`,
    pool: open({ url, role: "replica" }),
  }));
  const reader = await openReader({ primary: reads, replicas, replication }, options);
  return { reads, writes, replication, reader };
}

async function openReplication(
  reads: Pool,
  probes: Pool,
  { config, log, metrics, logSeldom, opened }: DatabasesOptions,
): Promise<Replication> {
  const { SYNC_REPLICA_POLICY: policy, SYNC_REPLICA_DEGRADE_AFTER: afterMs } = config;
  const replication = new Replication({
    probe: createCommitProbe({ probes, reads, clock: systemClock }),
    degradeAfterMs: policy === "degrade" ? afterMs : undefined,
    clock: systemClock,
    onState(state) {
      const say = { synchronous: "info", refusing: "error", degraded: "error" } as const;
      log[say[state]](WORDS[state], { replication: state, policy });
    },
    onDegraded: () => logSeldom("error", WORDS.degraded),
  });
  const states = metrics.gauge("db_replication_state");
  metrics.beforeScrape(() => {
    for (const state of STATES) states.set({ state }, state === replication.state ? 1 : 0);
  });
  await replication.step();
  replication.start();
  opened.push("the probes of replication", () => replication.close());
  return replication;
}

const WORDS = {
  synchronous: "commits reach the synchronous replica",
  refusing: "the synchronous replica confirms no commit: writes are refused",
  degraded: "writes are on the primary alone: its loss would lose them",
} as const satisfies Record<ReplicationState, string>;

async function openReader(
  { primary, replicas: members, replication }: {
    readonly primary: Pool;
    readonly replicas: readonly { readonly name: string; readonly pool: Pool }[];
    readonly replication: Replication;
  },
  { log, opened }: DatabasesOptions,
): Promise<OrderReader> {
  const { reader, replicas } = createOrderReader({
    primary,
    replicas: members,
    clock: systemClock,
    onHealth: ({ name }, healthy) => {
      if (healthy) log.info("a replica serves reads", { replica: name });
      else log.warn("a replica serves no reads", { replica: name });
    },
    areCurrent: () => replication.replicasAreCurrent,
  });
  await replicas.step();
  replicas.start();
  opened.push("the probes of the replicas", () => replicas.close());
  return reader;
}
