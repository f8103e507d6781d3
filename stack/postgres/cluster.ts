import { rmSync } from "node:fs";
import { systemClock } from "../../shared/async/clock.ts";
import { sleep } from "../../shared/async/sleep.ts";
import type { Admin } from "./admin.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { copyAsStandby, hasData } from "./data-directory.ts";
import type { PostgresServer } from "./server.ts";
import { commonSettings, type Settings, standbySettings } from "./settings.ts";

/** How long the standbys may take to catch up with their primary at the start. */
const SYNC_TIMEOUT_MS = 30_000;
const SYNC_POLL_MS = 5;

/** One server with the port it listens on. */
export interface Member {
  readonly server: PostgresServer;
  readonly port: number;
}

/** A primary and the standbys that each of its commits waits for. */
export interface Cluster {
  readonly primary: Member;
  readonly standbys: readonly Member[];
  readonly password: string;
  readonly durable: boolean;
  /** Added to the settings of every server, or in place of ours. */
  readonly settings: Settings;
  readonly binaries: PostgresBinaries;
  /** That the services use. */
  readonly databases: readonly string[];
}

export function urlOf({ password }: Cluster, { port }: Member, database: string): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;
}

/** For the primary. */
export async function openAdminOf(cluster: Cluster): Promise<Admin> {
  const { openAdmin } = await import("./admin.ts");
  return openAdmin(urlOf(cluster, cluster.primary, "postgres"));
}

/**
 * Starts all servers of a cluster whose primary has data, and returns once commits are synchronous.
 * A standby without data is copied from the primary. One that was away too long to follow loses its
 * data first and its slot after that, so a kill in between leaves one without data again.
 */
export async function startCluster(cluster: Cluster): Promise<void> {
  await copyMissing(cluster);
  await startAll(cluster);
  const admin = await openAdminOf(cluster);
  try {
    const lost = await admin.lostSlots();
    if (lost.length > 0) {
      await stopCluster(cluster);
      for (const { server } of cluster.standbys) {
        if (lost.includes(server.name)) rmSync(server.directory, { recursive: true });
      }
      await copyMissing(cluster);
      await startAll(cluster);
    }
    await admin.createSlots(cluster.standbys.map(({ server }) => server.name));
    await waitUntilSynchronous(cluster, admin);
  } finally {
    await admin.close();
  }
}

/** Stops all servers: the primary first, so that its last WAL reaches the standbys. */
export async function stopCluster({ primary, standbys }: Cluster): Promise<void> {
  // A frozen standby would block the primary, which waits until it has received everything.
  for (const { server } of standbys) server.resume();
  await primary.server.stop();
  await Promise.all(standbys.map(({ server }) => server.stop()));
}

async function copyMissing(cluster: Cluster): Promise<void> {
  const { primary, standbys, binaries, durable } = cluster;
  const missing = standbys.map(({ server }) => server).filter((server) =>
    !hasData(server.directory, binaries.version)
  );
  if (missing.length === 0) return;
  await renewSlots(cluster, missing.map((server) => server.name));
  await Promise.all(
    missing.map(({ directory }) =>
      copyAsStandby(binaries, primary.server.directory, { directory, durable })
    ),
  );
}

/** Starts the primary alone and stops it in order, so that a copy of its files is whole. */
async function renewSlots(cluster: Cluster, names: readonly string[]): Promise<void> {
  const { primary, durable } = cluster;
  primary.server.configure(commonSettings({ port: primary.port, standbys: [], durable }));
  await primary.server.start();
  const admin = await openAdminOf(cluster);
  try {
    await admin.dropSlots(names);
    await admin.createSlots(names);
  } finally {
    await admin.close();
    await primary.server.stop();
  }
}

async function startAll(cluster: Cluster): Promise<void> {
  const { primary, standbys, password, durable, settings } = cluster;
  const names = standbys.map(({ server }) => server.name);
  for (const { server, port } of [primary, ...standbys]) {
    const common = commonSettings({ port, standbys: names, durable });
    const own = server === primary.server
      ? {}
      : standbySettings(server.name, primary.port, password);
    server.configure({ ...common, ...own, ...settings });
  }
  // A failure waits for the others: the stop that follows must find every server.
  const starts: Promise<unknown>[] = [primary, ...standbys].map(({ server }) => server.start());
  // Loaded while they start: the launcher starts them sooner without it.
  starts.push(import("./admin.ts"));
  for (const result of await Promise.allSettled(starts)) {
    if (result.status === "rejected") throw result.reason;
  }
}

async function waitUntilSynchronous({ standbys }: Cluster, admin: Admin): Promise<void> {
  const deadline = performance.now() + SYNC_TIMEOUT_MS;
  for (;;) {
    const synchronous = await admin.synchronousStandbys();
    const behind = standbys.filter(({ server }) => !synchronous.includes(server.name));
    if (behind.length === 0) return;
    if (performance.now() > deadline) {
      const logs = behind.map(({ server }) => server.logPath).join(", ");
      throw new Error(
        `A PostgreSQL standby does not follow its primary; its log says why: ${logs}`,
      );
    }
    await sleep(systemClock, SYNC_POLL_MS);
  }
}
