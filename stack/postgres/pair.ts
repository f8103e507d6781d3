import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Ending } from "../processes/child.ts";
import { freePorts } from "../ports.ts";
import { findPostgres, type PostgresBinaries } from "./binaries.ts";
import { type Cluster, startCluster, stopCluster, urlOf, withAdmin } from "./cluster.ts";
import { hasData, initialise, readOrMakePassword } from "./data-directory.ts";
import { PostgresServer, stopLeftover } from "./server.ts";
import type { Settings } from "./settings.ts";

const PARTS = ["primary", "standby1", "standby2"] as const;
export type PostgresPart = (typeof PARTS)[number];

export interface PairOptions {
  /** Holds all data; created if missing. Used by one launcher at a time. */
  readonly dataDirectory: string;
  /** The primary, then each standby; default: free ports. */
  readonly ports?: readonly number[];
  readonly replicas?: 1 | 2;
  /** Created if missing. */
  readonly databases?: readonly string[];
  /** false skips fsync: for tests, whose data need not survive a crash of the machine. */
  readonly durable?: boolean;
  /** Programs of another PostgreSQL; default: those of the npm package. */
  readonly binaries?: PostgresBinaries;
  /** Settings of every server, added to ours or replacing them. */
  readonly settings?: Settings;
  /** Called when a server ends unexpectedly. */
  readonly onEnd?: (part: PostgresPart, ending: Ending) => void;
}

/** A PostgreSQL primary and its synchronous standbys. */
export interface PostgresPair {
  readonly parts: readonly PostgresPart[];
  /** Whether the start creates the data directories. */
  readonly isNew: boolean;
  /** `postgres://user:password@host:port/database` of the primary. */
  primaryUrl(database: string): string;
  replicaUrls(database: string): string[];
  /** Returns once every commit is synchronous. Continues with what an earlier start left. */
  start(): Promise<void>;
  close(): Promise<void>;
  /** @throws {Error} if there is no such server */
  control(part: PostgresPart): PostgresServer;
}

/**
 * Starts the primary and its standbys. If an earlier start or run was killed at any moment,
 * continues with what it left: data directories get their names once they are complete, and a
 * server that still runs there is stopped first.
 * @throws {Error} with nothing left running
 */
export async function startPostgresPair(options: PairOptions): Promise<PostgresPair> {
  const pair = await describePostgresPair(options);
  await pair.start();
  return pair;
}

/**
 * Like {@link startPostgresPair}, before the start: the URLs are known, and nothing runs.
 * @throws {Error} if the data directory or a port is unusable
 */
export async function describePostgresPair(options: PairOptions): Promise<PostgresPair> {
  const { binaries = findPostgres(), replicas = 1, databases = [], durable = true } = options;
  mkdirSync(options.dataDirectory, { recursive: true, mode: 0o700 });
  const directory = realpathSync(options.dataDirectory);
  const ports = options.ports ?? await freePorts(1 + replicas);
  const servers = PARTS.slice(0, 1 + replicas).map((part, index) => {
    const port = ports[index];
    if (port === undefined) throw new Error(`There is no port for ${part}`);
    return new PostgresServer({
      ...{ name: part, directory: join(directory, part), port, program: binaries.postgres },
      onEnd: (ending) => options.onEnd?.(part, ending),
    });
  });
  const [primary, ...standbys] = servers as [PostgresServer, ...PostgresServer[]];
  const cluster: Cluster = {
    ...{ primary, standbys, durable, binaries, databases, settings: options.settings ?? {} },
    password: readOrMakePassword(directory),
  };
  return {
    isNew: !hasData(primary.directory, binaries.version),
    parts: PARTS.slice(0, 1 + replicas),
    primaryUrl: (database) => urlOf(cluster, primary, database),
    replicaUrls: (database) => standbys.map((standby) => urlOf(cluster, standby, database)),
    start: () => start(directory, cluster),
    close: () => stopCluster(cluster),
    control(part) {
      const server = servers.find(({ name }) => name === part);
      if (!server) throw new Error(`There is no server ${part}`);
      return server;
    },
  };
}

async function start(directory: string, cluster: Cluster): Promise<void> {
  const { primary, standbys, binaries, databases, durable } = cluster;
  await stopLeftoverPair(directory);
  const primaryIsNew = !hasData(primary.directory, binaries.version);
  if (primaryIsNew) {
    await initialise(binaries, {
      directory: primary.directory,
      standbys: standbys.map((standby) => standby.directory),
      passwordFile: join(directory, "password"),
      databases,
      durable,
    });
  }
  try {
    await startCluster(cluster);
    if (primaryIsNew) return;
    await withAdmin(cluster, async (admin) => {
      const present = await admin.databaseNames();
      for (const name of databases) {
        if (!present.includes(name)) await admin.createDatabase(name);
      }
    });
  } catch (error) {
    await stopCluster(cluster);
    throw error;
  }
}

/** Stops servers of a killed launcher in the directory. */
export async function stopLeftoverPair(dataDirectory: string): Promise<void> {
  if (!existsSync(dataDirectory)) return;
  const directory = realpathSync(dataDirectory);
  await Promise.all(PARTS.map((part) => stopLeftover(join(directory, part))));
}
