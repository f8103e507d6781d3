import { statfsSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { CloseStack } from "../../shared/lifecycle.ts";
import { freePorts } from "../../stack/ports.ts";
import { eventually } from "../eventually.ts";
import { startHaproxy } from "../haproxy.ts";
import { newDataDirectory, removeDirectory } from "../own-stack.ts";
import { startEtcd } from "./etcd.ts";
import { PatroniMember } from "./patroni-member.ts";
import type { MachinePrograms } from "./programs.ts";

const MEMBERS = ["member1", "member2", "member3"];
/** The first member initializes its data, and the others copy them. */
const START_MAX_MS = 60_000;
const CLOSE_MAX_MS = 60_000;
const MEMORY = "/dev/shm";
const MEMORY_MIN_BYTES = 2 ** 30;

/** Patroni's names; a member without a role is not running. */
export type Role = "leader" | "sync_standby" | "replica";

/** Three PostgreSQL under Patroni in strict synchronous mode, and HAProxy before the primary. */
export interface PatroniCluster {
  readonly members: readonly PatroniMember[];
  /** The URL of the current primary, through HAProxy. */
  primaryUrl(database: string): string;
  /** The URL of each member. */
  memberUrls(database: string): readonly string[];
  /** The URLs of the standbys; fails unless both run. */
  standbyUrls(database: string): Promise<readonly string[]>;
  /** Waits for a member with this role, as the others see it. */
  withRole(role: Role): Promise<PatroniMember>;
  /** Waits until all run, one is the primary and one of the others is synchronous. */
  whole(): Promise<void>;
  close(): Promise<void>;
}

export async function startPatroniCluster(
  programs: MachinePrograms,
  databases: readonly string[],
): Promise<PatroniCluster> {
  const opened = new CloseStack(CLOSE_MAX_MS);
  const directory = newDataDirectory(inMemory());
  opened.push("the directory", () => removeDirectory(directory));
  const etcd = await startEtcd(programs.etcd, directory);
  opened.push("etcd", () => etcd.close());
  const members = await Promise.all(MEMBERS.map((name) =>
    PatroniMember.start({
      name,
      patroni: programs.patroni,
      directory: join(directory, name),
      etcdPort: etcd.port,
    })
  ));
  opened.push("the members", async () => {
    await Promise.all(members.map((member) => member.close()));
  });
  const [port = 0] = await freePorts(1);
  const haproxy = await startHaproxy(programs.haproxy, proxyConfiguration(port, members));
  opened.push("HAProxy", () => haproxy.close());
  const cluster: PatroniCluster = {
    members,
    primaryUrl: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    memberUrls: (database) => members.map((member) => member.url(database)),
    async standbyUrls(database) {
      const standbys = await Promise.all([
        cluster.withRole("sync_standby"),
        cluster.withRole("replica"),
      ]);
      return standbys.map((member) => member.url(database));
    },
    withRole: (role) =>
      eventually(async () => {
        const roles = await rolesOf(members);
        const member = members.find(({ name }) => roles.get(name) === role);
        if (!member) throw new Error(`No member is ${role}`);
        return member;
      }),
    async whole() {
      await eventually(async () => {
        const roles = [...(await rolesOf(members)).values()].toSorted();
        if (roles.join() !== "leader,replica,sync_standby") throw new Error(roles.join());
        // Patroni may have an old state of a member that was frozen.
        const states = await standbyStates(this.primaryUrl("postgres"));
        if (states.join() !== "async,sync") throw new Error(`standbys are ${states.join()}`);
      }, START_MAX_MS);
    },
    close: () => opened.close(),
  };
  try {
    await cluster.whole();
    await createDatabases(cluster.primaryUrl("postgres"), databases);
    return cluster;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/**
 * As Patroni documents it: the sessions of a former primary are closed, so that no client continues
 * to use it.
 */
function proxyConfiguration(port: number, members: readonly PatroniMember[]): string {
  const servers = members.map(({ name, port: postgresPort, restPort }) =>
    `  server ${name} 127.0.0.1:${postgresPort} check port ${restPort}`
  );
  return `
defaults
  mode tcp
  timeout connect 2s
  timeout client 30m
  timeout server 30m
  timeout check 1s
listen primary
  bind 127.0.0.1:${port}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
${servers.join("\n")}
`;
}

/** The response of the first member that answers. */
async function rolesOf(members: readonly PatroniMember[]): Promise<ReadonlyMap<string, Role>> {
  const answers = members.map(async ({ restPort }) => {
    const answer = await fetch(`http://127.0.0.1:${restPort}/cluster`, {
      signal: AbortSignal.timeout(2_000),
    });
    return await answer.json() as {
      readonly members: readonly { readonly name: string; role: Role; readonly state: string }[];
    };
  });
  const { members: found } = await Promise.any(answers);
  const running = found.filter(({ state }) => state === "running" || state === "streaming");
  return new Map(running.map(({ name, role }) => [name, role]));
}

/** The states of the standbys that stream from the primary. */
async function standbyStates(url: string): Promise<string[]> {
  const admin = postgres(url, { max: 1, connect_timeout: 2 });
  try {
    const rows = await admin<{ sync_state: string }[]>`
      select sync_state from pg_stat_replication where state = 'streaming' order by sync_state`;
    return rows.map((row) => row.sync_state);
  } finally {
    await admin.end({ timeout: 0 });
  }
}

async function createDatabases(url: string, names: readonly string[]): Promise<void> {
  const admin = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    for (const name of names) {
      await eventually(() => admin.unsafe(`create database ${name}`));
    }
  } finally {
    await admin.end();
  }
}

/** A file system in memory, if it is large enough: pg_rewind waits until the disk has its files. */
function inMemory(): string | undefined {
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize > MEMORY_MIN_BYTES ? MEMORY : undefined;
}
