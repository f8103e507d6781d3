import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../eventually.ts";
import { startStoreServer, type StoreServer } from "./store-server.ts";

/** After this time without an answer a server counts as down. */
const DOWN_AFTER_MS = 1_000;
const SENTINELS = 3;
const SLOTS = 16_384;
const NODES = 3;
const SLOTS_PER_NODE = Math.ceil(SLOTS / NODES);

export interface GroupOptions {
  readonly program: string;
  readonly directory: string;
}

/** A primary, its replica, and sentinels that fail over. */
export interface SentinelGroup {
  readonly url: string;
  readonly servers: readonly StoreServer[];
  /** The primary according to the sentinels, and the other server. */
  roles(): Promise<{ readonly primary: StoreServer; readonly replica: StoreServer }>;
  /** Waits until the other server has the last changes and would replace the primary. */
  replicates(): Promise<void>;
  close(): Promise<void>;
}

export async function startSentinelGroup(options: GroupOptions): Promise<SentinelGroup> {
  const primary = await startStoreServer(options);
  const replica = await startStoreServer({
    ...options,
    args: ["--replicaof", `127.0.0.1 ${primary.port}`],
  });
  const servers = [primary, replica];
  const sentinels = await Promise.all(Array.from({ length: SENTINELS }, (_, at) => {
    const configFile = join(options.directory, `sentinel-${at}.conf`);
    writeFileSync(
      configFile,
      [
        `sentinel monitor shop 127.0.0.1 ${primary.port} 2`,
        `sentinel down-after-milliseconds shop ${DOWN_AFTER_MS}`,
        "sentinel failover-timeout shop 3000",
        "",
      ].join("\n"),
    );
    return startStoreServer({ ...options, configFile });
  }));
  const [sentinel] = sentinels as [StoreServer];

  async function roles() {
    const [, port] = await sentinel.command(
      "sentinel",
      "get-master-addr-by-name",
      "shop",
    ) as string[];
    const first = servers[0]?.port === Number(port);
    return {
      primary: servers[first ? 0 : 1] as StoreServer,
      replica: servers[first ? 1 : 0] as StoreServer,
    };
  }

  const group: SentinelGroup = {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/shop`,
    servers,
    roles,
    replicates: () =>
      eventually(async () => {
        const quorum = await sentinel.command("sentinel", "ckquorum", "shop");
        if (!String(quorum).startsWith("OK 3")) throw new Error(String(quorum));
        const info = await (await roles()).primary.command("info", "replication");
        if (!String(info).includes("state=online")) throw new Error("the replica is not online");
        const known = await sentinel.command("sentinel", "replicas", "shop") as string[][];
        if (!known.some((fields) => fields.includes("slave"))) throw new Error("no replica known");
      }),
    async close() {
      await Promise.all([...sentinels, ...servers].map((server) => server.kill()));
    },
  };
  await group.replicates();
  return group;
}

/** A cluster of three primaries. */
export interface StoreCluster {
  readonly url: string;
  readonly servers: readonly StoreServer[];
  close(): Promise<void>;
}

/** The index of the server that has the slot in a new cluster. */
export function ownerOf(slot: number): number {
  return Math.floor(slot / SLOTS_PER_NODE);
}

export async function startStoreCluster(options: GroupOptions): Promise<StoreCluster> {
  const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", `${DOWN_AFTER_MS}`];
  const servers = await Promise.all(
    Array.from(
      { length: NODES },
      () => startStoreServer({ ...options, args, isClusterNode: true }),
    ),
  );
  for (const [at, server] of servers.entries()) {
    const [from, to] = [at * SLOTS_PER_NODE, Math.min(SLOTS, (at + 1) * SLOTS_PER_NODE) - 1];
    await server.command("cluster", "addslotsrange", `${from}`, `${to}`);
    for (const { port, busPort } of servers) {
      await server.command("cluster", "meet", "127.0.0.1", `${port}`, `${busPort}`);
    }
  }
  await Promise.all(servers.map((server) =>
    eventually(async () => {
      const info = String(await server.command("cluster", "info"));
      if (!/cluster_state:ok[^]*cluster_known_nodes:3/.test(info)) throw new Error(info);
    })
  ));
  return {
    url: `redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    servers,
    async close() {
      await Promise.all(servers.map((server) => server.kill()));
    },
  };
}
