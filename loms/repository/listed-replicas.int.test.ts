import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../shared/async/request-context.ts";
import { Pool } from "../../shared/postgres/pool.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { ListedReplicas } from "./listed-replicas.ts";

let database: TestDatabase;
let admin: Pool;
/** An account without rights; accounts belong to the server that the whole run shares. */
let account: string;
const pools: Pool[] = [];

beforeEach(async () => {
  database = await testDatabase("empty");
  account = `account_${randomUUID().slice(0, 8)}`;
  admin = open(database.primaryUrl);
  await admin.db.execute(sql.raw(`create role ${account} login password 'secret'`));
});
afterEach(async () => {
  await admin.db.execute(sql.raw(`drop role ${account}`));
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  await database.drop();
});

function open(url: string): Pool {
  const role = url === database.replicaUrl ? "replica" : "primary";
  const pool = new Pool({ url, role, max: 1, applicationName: "test" });
  pools.push(pool);
  return pool;
}

function asAccount(url: string): string {
  const changed = new URL(url);
  changed.username = account;
  changed.password = "secret";
  return changed.href;
}

function listed(...urls: string[]) {
  const members = urls.map((url, index) => ({ name: `replica ${index + 1}`, pool: open(url) }));
  return { members, primary: open(asAccount(database.primaryUrl)), clock: systemClock };
}

/** Polls the states; on a busy machine a query may be too short. */
const seen = (replicas: ListedReplicas) => expect.poll(() => replicas.query());

test("the problem names the grant that an account needs to see the standbys", async () => {
  const replicas = new ListedReplicas(listed(asAccount(database.replicaUrl)));
  await seen(replicas).toEqual({
    queriedAt: expect.any(Number),
    position: expect.stringContaining("/"),
    synchronous: new Set(),
    problem: "loms may not see which replicas are synchronous: " +
      `GRANT pg_read_all_stats TO ${account}`,
    standbys: expect.stringContaining("standby1"),
  });
});

test("with that grant, made on the primary, the account sees the synchronous replica", async () => {
  await admin.db.execute(sql.raw(`grant pg_read_all_stats to ${account}`));
  const options = listed(asAccount(database.replicaUrl));
  const replicas = new ListedReplicas(options);
  await seen(replicas).toEqual({
    queriedAt: expect.any(Number),
    position: expect.stringContaining("/"),
    synchronous: new Set([options.members[0]?.pool]),
    problem: undefined,
    standbys: expect.stringContaining("standby1"),
  });
});

test("a server without a primary, and an unavailable one, are not synchronous", async () => {
  await admin.db.execute(sql.raw(`grant pg_read_all_stats to ${account}`));
  const unavailable = "postgres://postgres@127.0.0.1:1/none";
  await seen(new ListedReplicas(listed(database.primaryUrl, unavailable))).toMatchObject({
    problem:
      "no listed replica is synchronous (replica 1: never answered, replica 2: never answered)",
  });
});

test("a replica that stops answering keeps its identity", async () => {
  await admin.db.execute(sql.raw(`grant pg_read_all_stats to ${account}`));
  const options = listed(database.replicaUrl);
  const replicas = new ListedReplicas(options);
  await seen(replicas).toMatchObject({ problem: undefined });
  await options.members[0]?.pool.close();
  await seen(replicas).toMatchObject({ problem: undefined });
});

test("without a listed replica there is no query", async () => {
  expect(await new ListedReplicas(listed()).query())
    .toMatchObject({ synchronous: new Set(), problem: undefined, standbys: undefined });
});
