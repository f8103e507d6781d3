import { rmSync } from "node:fs";
import { sleep, systemClock } from "../../shared/async/request-context.ts";
import type { Admin } from "./admin.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { copyAsStandby, hasData } from "./data-directory.ts";
import type { PostgresServer } from "./server.ts";
import { commonSettings, type Settings, standbySettings } from "./settings.ts";

/** How long the standbys may take to catch up with their primary at the start. */
const SYNC_TIMEOUT_MS = 30_000;
const SYNC_POLL_MS = 5;

/** A primary and its synchronous standbys. */
export interface Cluster {
  readonly primary: PostgresServer;
  readonly standbys: readonly PostgresServer[];
  readonly password: string;
  readonly durable: boolean;
  /** Settings of every server, added to ours or replacing them. */
  readonly settings: Settings;
  readonly binaries: PostgresBinaries;
  /** The databases of the services. */
  readonly databases: readonly string[];
}

export function urlOf({ password }: Cluster, { port }: PostgresServer, database: string): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;
}

/** Runs `work` with a connection to the primary. */
export async function withAdmin(
  cluster: Cluster,
  work: (admin: Admin) => Promise<void>,
): Promise<void> {
  const { openAdmin } = await import("./admin.ts");
  const admin = openAdmin(urlOf(cluster, cluster.primary, "postgres"));
  try {
    await work(admin);
  } finally {
    await admin.close();
  }
}

/**
 * Starts all servers of a cluster with data on its primary, and returns once commits are
 * synchronous. A standby without data is copied from the primary. A standby that missed too much
 * WAL loses its data first and its slot after that, so a kill in between leaves a standby without
 * data.
 */
export async function startCluster(cluster: Cluster): Promise<void> {
  await copyMissing(cluster);
  await startAll(cluster);
  await withAdmin(cluster, async (admin) => {
    const lost = await admin.lostSlots();
    if (lost.length > 0) {
      await stopCluster(cluster);
      for (const { name, directory } of cluster.standbys) {
        if (lost.includes(name)) rmSync(directory, { recursive: true });
      }
      await copyMissing(cluster);
      await startAll(cluster);
    }
    await admin.createSlots(cluster.standbys.map(({ name }) => name));
    await waitUntilSynchronous(cluster, admin);
  });
}

/** Stops all servers: the primary first, so that its last WAL reaches the standbys. */
export async function stopCluster({ primary, standbys }: Cluster): Promise<void> {
  // A frozen standby would block the primary, which waits until it has received everything.
  for (const standby of standbys) standby.resume();
  await primary.stop();
  await Promise.all(standbys.map((standby) => standby.stop()));
}

async function copyMissing(cluster: Cluster): Promise<void> {
  const { primary, standbys, binaries, durable } = cluster;
  const missing = standbys.filter(({ directory }) => !hasData(directory, binaries.version));
  if (missing.length === 0) return;
  await renewSlots(cluster, missing.map(({ name }) => name));
  await Promise.all(
    missing.map(({ directory }) =>
      copyAsStandby(binaries, primary.directory, { directory, durable })
    ),
  );
}

/** Starts the primary alone and stops it cleanly, so that a copy of its files is complete. */
async function renewSlots(cluster: Cluster, names: readonly string[]): Promise<void> {
  const { primary, durable } = cluster;
  primary.configure(commonSettings({ port: primary.port, standbys: [], durable }));
  await primary.start();
  await withAdmin(cluster, async (admin) => {
    await admin.dropSlots(names);
    await admin.createSlots(names);
  }).finally(() => primary.stop());
}

async function startAll(cluster: Cluster): Promise<void> {
  const { primary, standbys, password, durable, settings } = cluster;
  const names = standbys.map(({ name }) => name);
  for (const server of [primary, ...standbys]) {
    const common = commonSettings({ port: server.port, standbys: names, durable });
    const own = server === primary ? {} : standbySettings(server.name, primary.port, password);
    server.configure({ ...common, ...own, ...settings });
  }
  // On a failure, wait for the others: the following stop must find every server.
  const starts: Promise<unknown>[] = [primary, ...standbys].map((server) => server.start());
  // Loaded meanwhile, which makes the start faster.
  starts.push(import("./admin.ts"));
  for (const result of await Promise.allSettled(starts)) {
    if (result.status === "rejected") throw result.reason;
  }
}

async function waitUntilSynchronous({ standbys }: Cluster, admin: Admin): Promise<void> {
  const deadline = performance.now() + SYNC_TIMEOUT_MS;
  for (;;) {
    const synchronous = await admin.synchronousStandbys();
    const behind = standbys.filter(({ name }) => !synchronous.includes(name));
    if (behind.length === 0) return;
    if (performance.now() > deadline) {
      const logs = behind.map(({ logPath }) => logPath).join(", ");
      throw new Error(
        `A PostgreSQL standby does not follow its primary; its log has the reason: ${logs}`,
      );
    }
    await sleep(systemClock, SYNC_POLL_MS);
  }
}
