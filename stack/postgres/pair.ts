import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Ending } from "../processes/child.ts";
import { freePorts } from "../ports.ts";
import { openAdmin } from "./admin.ts";
import { findPostgres, type PostgresBinaries } from "./binaries.ts";
import { type Cluster, type Member, startCluster, stopCluster, urlOf } from "./cluster.ts";
import { hasData, initialise, readOrMakePassword } from "./data-directory.ts";
import { PostgresServer, stopLeftover } from "./server.ts";
import type { Settings } from "./settings.ts";

const PARTS = ["primary", "standby1", "standby2"] as const;
export type PostgresPart = (typeof PARTS)[number];

export interface PairOptions {
  /** Holds everything; made when it is not there. For one launcher at a time. */
  readonly dataDirectory: string;
  /** Primary first, then each standby; free ones without it. */
  readonly ports?: readonly number[];
  readonly replicas?: 1 | 2;
  /** false skips fsync: for tests, whose data nobody needs after a crash of the machine. */
  readonly durable?: boolean;
  /** Programs of another PostgreSQL; those of the npm package without it. */
  readonly binaries?: PostgresBinaries;
  /** Added to the settings of every server, or in place of ours. */
  readonly settings?: Settings;
  /** Called when a server ends though nobody asked for it. */
  readonly onEnd?: (part: PostgresPart, ending: Ending) => void;
}

/** A PostgreSQL primary and the synchronous standbys that follow it. */
export interface PostgresPair {
  readonly parts: readonly PostgresPart[];
  /** `postgres://user:password@host:port/database` of the primary. */
  primaryUrl(database: string): string;
  replicaUrls(database: string): string[];
  /** Creates the databases that are not there yet. */
  createDatabases(names: readonly string[]): Promise<void>;
  close(): Promise<void>;
  /** @throws {Error} when there is no such server */
  control(part: PostgresPart): PostgresServer;
}

/**
 * Brings up the primary and its standbys. Whatever killed an earlier start or run, at any moment,
 * what it left is used: data directories appear under their names once they are whole, and a server
 * that still runs there is stopped first.
 * @throws {Error} in plain words, with nothing left running
 */
export async function startPostgresPair(options: PairOptions): Promise<PostgresPair> {
  const { binaries = findPostgres() } = options;
  mkdirSync(options.dataDirectory, { recursive: true, mode: 0o700 });
  const directory = realpathSync(options.dataDirectory);
  const cluster = await describeCluster(directory, binaries, options);
  const { primary } = cluster;
  await stopLeftoverPair(directory);
  const primaryIsNew = !hasData(primary.server.directory, binaries.version);
  if (primaryIsNew) {
    await initialise(binaries, primary.server.directory, join(directory, "password"));
  }
  try {
    await startCluster(cluster, primaryIsNew);
  } catch (error) {
    await stopCluster(cluster);
    throw error;
  }
  return controlsOf(cluster);
}

async function describeCluster(
  directory: string,
  binaries: PostgresBinaries,
  options: PairOptions,
): Promise<Cluster> {
  const { replicas = 1, durable = true, settings = {}, onEnd } = options;
  const ports = options.ports ?? await freePorts(1 + replicas);
  const member = (part: PostgresPart, index: number): Member => {
    const port = ports[index];
    if (port === undefined) throw new Error(`There is no port for ${part}`);
    const server = new PostgresServer({
      name: part,
      directory: join(directory, part),
      program: binaries.postgres,
      onEnd: (ending) => onEnd?.(part, ending),
    });
    return { server, port };
  };
  return {
    primary: member("primary", 0),
    standbys: replicas === 2
      ? [member("standby1", 1), member("standby2", 2)]
      : [member("standby1", 1)],
    password: readOrMakePassword(directory),
    durable,
    settings,
    version: binaries.version,
  };
}

function controlsOf(cluster: Cluster): PostgresPair {
  const { primary, standbys } = cluster;
  const members = [primary, ...standbys];
  const serverOf = (part: PostgresPart): PostgresServer => {
    const member = members.find(({ server }) => server.name === part);
    if (!member) throw new Error(`There is no ${part}`);
    return member.server;
  };
  return {
    parts: members.map(({ server }) => server.name as PostgresPart),
    primaryUrl: (database) => urlOf(cluster, primary, database),
    replicaUrls: (database) => standbys.map((standby) => urlOf(cluster, standby, database)),
    async createDatabases(names) {
      const admin = openAdmin(urlOf(cluster, primary, "postgres"));
      try {
        const present = await admin.databaseNames();
        for (const name of names) if (!present.includes(name)) await admin.createDatabase(name);
      } finally {
        await admin.close();
      }
    },
    close: () => stopCluster(cluster),
    control: serverOf,
  };
}

/** Stops servers that a killed launcher has left on the directory. */
export async function stopLeftoverPair(dataDirectory: string): Promise<void> {
  if (!existsSync(dataDirectory)) return;
  const directory = realpathSync(dataDirectory);
  await Promise.all(PARTS.map((part) => stopLeftover(join(directory, part))));
}
