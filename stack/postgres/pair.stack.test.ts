import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { type PostgresPair, startPostgresPair } from "./pair.ts";

const WAIT = { timeout: 10_000, interval: 50 };

let directory: string;
let pair: PostgresPair | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "postgres pair "));
});
afterEach(async () => {
  await pair?.close();
  rmSync(directory, { recursive: true });
});

const onEnd = vi.fn<(part: string, ending: string) => void>();

async function open(replicas: 1 | 2 = 1): Promise<PostgresPair> {
  onEnd.mockClear();
  pair = await startPostgresPair({ dataDirectory: directory, replicas, durable: false, onEnd });
  return pair;
}

type Row = Readonly<Record<string, unknown>>;

async function query(url: string, statement: string): Promise<Row[]> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    return [...await sql.unsafe<Row[]>(statement)];
  } finally {
    await sql.end({ timeout: 0 });
  }
}

test("every commit waits for each standby, also after one is added", async () => {
  const first = await open(1);
  await query(first.primaryUrl("postgres"), "create table kept as select 1 as id");
  await first.close();
  const { primaryUrl, replicaUrls } = await open(2);
  const states = await query(
    primaryUrl("postgres"),
    "select application_name as name, sync_state from pg_stat_replication order by 1",
  );
  expect(states).toEqual([
    { name: "standby1", sync_state: "sync" },
    { name: "standby2", sync_state: "sync" },
  ]);
  await query(primaryUrl("postgres"), "insert into kept values (2)");
  for (const url of replicaUrls("postgres")) {
    expect(await query(url, "select max(id) as top from kept")).toEqual([{ top: 2 }]);
  }
});

test("databases are created with the data directory, missing ones at a later start", async () => {
  const names = async ({ primaryUrl, replicaUrls }: PostgresPair) => {
    const statement =
      "select datname as name from pg_database where datname like 'shop%' order by 1";
    const servers = [primaryUrl("postgres"), ...replicaUrls("postgres")];
    return await Promise.all(servers.map((url) => query(url, statement)));
  };
  const options = { dataDirectory: directory, durable: false };
  pair = await startPostgresPair({ ...options, databases: ["shop"] });
  const first = [{ name: "shop" }];
  expect(await names(pair)).toEqual([first, first]);
  await pair.close();
  pair = await startPostgresPair({ ...options, databases: ["shop", "shop2"] });
  const both = [{ name: "shop" }, { name: "shop2" }];
  expect(await names(pair)).toEqual([both, both]);
});

test("libpq's variables do not change the server that the launcher uses", async () => {
  vi.stubEnv("PGTARGETSESSIONATTRS", "standby");
  onTestFinished(() => void vi.unstubAllEnvs());
  const { primaryUrl } = await open();
  expect(await query(primaryUrl("postgres"), "select 1 as one")).toEqual([{ one: 1 }]);
});

test("a durable data directory is synced to disk before it gets its name", async () => {
  pair = await startPostgresPair({ dataDirectory: directory, durable: true });
  expect(await query(pair.primaryUrl("postgres"), "show fsync")).toEqual([{ fsync: "on" }]);
});

test("a commit waits while the standby is paused", async () => {
  const { primaryUrl, control } = await open();
  control("standby1").pause();
  const created = query(primaryUrl("postgres"), "create table waited as select 1");
  let answered = false;
  void created.then(() => answered = true);
  await vi.waitFor(async () => {
    const statement = "select wait_event from pg_stat_activity where query like 'create table %'";
    expect(await query(primaryUrl("postgres"), statement)).toEqual([{ wait_event: "SyncRep" }]);
  }, WAIT);
  expect(answered).toBe(false);
  control("standby1").resume();
  await created;
});

test("a killed primary keeps acknowledged commits, a killed standby catches up", async () => {
  const { primaryUrl, replicaUrls, control } = await open();
  await query(primaryUrl("postgres"), "create table kept as select 1 as id");
  await control("primary").kill();
  await control("primary").restart();
  expect(await query(primaryUrl("postgres"), "select id from kept")).toEqual([{ id: 1 }]);
  await control("standby1").kill();
  const waiting = query(primaryUrl("postgres"), "insert into kept values (2)");
  await control("standby1").restart();
  await waiting;
  const onReplica = await query(replicaUrls("postgres")[0] as string, "select max(id) from kept");
  expect(onReplica).toEqual([{ max: 2 }]);
  expect(onEnd).not.toHaveBeenCalled();
});

test("a standby that missed more WAL than is kept is copied again at the next start", async () => {
  const first = await open();
  await first.control("standby1").kill();
  const sql = postgres(first.primaryUrl("postgres"), { max: 1, onnotice: () => {} });
  await sql`alter system set max_slot_wal_keep_size = '1MB'`;
  await sql`select pg_reload_conf()`;
  await sql`set synchronous_commit = local`;
  await sql`create table kept as select 1 as id`;
  for (let segment = 0; segment < 4; segment++) {
    await sql`select pg_logical_emit_message(false, 'filler', repeat('x', 100000))`;
    await sql`select pg_switch_wal()`;
  }
  // A checkpoint may begin before its process has read the new setting.
  await vi.waitFor(async () => {
    await sql`checkpoint`;
    expect(await sql`select wal_status from pg_replication_slots`)
      .toEqual([{ wal_status: "lost" }]);
  }, WAIT);
  await sql.end({ timeout: 0 });
  await first.close();

  const again = await open();
  const kept = await query(again.replicaUrls("postgres")[0] as string, "select id from kept");
  expect(kept).toEqual([{ id: 1 }]);
});

test("data of another PostgreSQL version is refused and unchanged", async () => {
  await (await open()).close();
  pair = undefined;
  writeFileSync(join(directory, "primary", "PG_VERSION"), "15\n");
  await expect(open()).rejects.toThrow(/primary was written by PostgreSQL 15, this is 18: /);
});

test("only the owner can read the password, and no login works without it", async () => {
  const { primaryUrl } = await open();
  expect(statSync(join(directory, "password")).mode & 0o777).toBe(0o600);
  const url = new URL(primaryUrl("postgres"));
  url.password = "guessed";
  await expect(query(url.href, "select 1")).rejects.toThrow("password authentication failed");
});
