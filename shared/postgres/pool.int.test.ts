import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { RequestContext } from "../async/request-context.ts";
import { VirtualClock } from "../async/test/virtual-clock.ts";
import { isConnectionError } from "./database-error.ts";
import { Pool, type PoolOptions } from "./pool.ts";
import { defineStatement, type StatementObservation } from "./statement.ts";

const INT64_MAX = 2n ** 63n - 1n;

let database: TestDatabase;
const pools: Pool[] = [];

beforeAll(async () => {
  database = await testDatabase("empty");
  await openPool().db.execute(sql`
    create function warn() returns int language plpgsql as $$
    begin
      raise warning 'may not be replicated' using errcode = '01000';
      return 1;
    end $$`);
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await database.drop();
});

function openPool(options: Partial<PoolOptions> = {}): Pool {
  const pool = new Pool({
    url: database.primaryUrl,
    role: "primary",
    max: 2,
    applicationName: "test",
    ...options,
  });
  pools.push(pool);
  return pool;
}

const context = (timeoutMs = 10_000) => new RequestContext({ traceparent: "t", timeoutMs });

const ECHO = defineStatement({
  name: "echo",
  kind: "select",
  text: `select $1::int8 as one, $2::int8[]::text as many, $3::text[] as texts, $4::bool as yes,
    array_to_string($3::text[], '|', '<null>') as joined`,
  parameters: ["int8", "int8[]", "text[]", "bool"],
  columns: { one: "int8", many: "text", joined: "text", yes: "bool" },
});

const SLEEP = defineStatement({
  name: "sleep",
  kind: "select",
  text: "select 1 as one from pg_sleep(5)",
  parameters: [],
  columns: { one: "int4" },
});

const LOCK = 1;

/** A statement that waits while {@link lock} is held. */
const BLOCKED = defineStatement({
  name: "blocked",
  kind: "insert",
  text: `select 1 as one from pg_advisory_xact_lock(${LOCK})`,
  parameters: [],
  columns: { one: "int4" },
});

/** Blocks {@link BLOCKED} until the returned function is called. */
async function lock(): Promise<() => Promise<unknown>> {
  const { db } = openPool({ max: 1 });
  await db.execute(sql`select pg_advisory_lock(${LOCK})`);
  return () => db.execute(sql`select pg_advisory_unlock(${LOCK})`);
}

const KILL_OWN_SESSION = defineStatement({
  name: "kill",
  kind: "insert",
  text: "select pg_terminate_backend(pg_backend_pid()) as done",
  parameters: [],
  columns: { done: "bool" },
});

test("run() carries int64 and arrays exactly, both ways, also when prepared before", async () => {
  const pool = openPool({ max: 1 });
  const texts = ['a"b', "c\\d", null, "{,}"];
  for (const yes of [true, false, true]) {
    const rows = await pool.run(ECHO, [INT64_MAX, [INT64_MAX, -INT64_MAX], texts, yes], context());
    expect(rows).toMatchObject([
      { one: INT64_MAX, many: `{${INT64_MAX},-${INT64_MAX}}`, joined: 'a"b|c\\d|<null>|{,}', yes },
    ]);
  }
});

test("run() prepares a statement, also one without parameters", async () => {
  const pool = openPool({ max: 1 });
  const text = "select count(*) as prepared from pg_prepared_statements";
  const none = [] as const;
  const counted = { kind: "select", text, columns: { prepared: "int8" } } as const;
  const prepared = defineStatement({ name: "prepared", parameters: none, ...counted });
  await pool.run(prepared, [], context());
  expect(await pool.run(prepared, [], context())).toEqual([{ prepared: 1n }]);
});

test("run() answers deadline_exceeded at the deadline and keeps the connection busy", async () => {
  const clock = new VirtualClock();
  const pool = openPool({ max: 1, clock });
  const untilDeadline = async (answer: Promise<unknown>, message: string) => {
    const expected = expect(answer).rejects.toMatchObject({ code: "deadline_exceeded", message });
    await clock.advance(50);
    await expected;
  };
  const within50Ms = () => new RequestContext({ traceparent: "t", timeoutMs: 50, clock });
  const release = await lock();
  await untilDeadline(pool.run(BLOCKED, [], within50Ms()), "blocked was not answered in time");
  // The statement still has the only connection.
  const echo = () => pool.run(ECHO, [1n, [], [], true], within50Ms());
  await untilDeadline(echo(), "no database connection was free in time");
  const next = echo();
  await release();
  expect(await next).toHaveLength(1);
});

test("run() answers deadline_exceeded when the server ends the statement", async () => {
  const pool = openPool({ url: `${database.primaryUrl}?options=-c%20statement_timeout%3D50` });
  await expect(pool.run(SLEEP, [], context())).rejects.toMatchObject({
    code: "deadline_exceeded",
  });
});

test("a commit that ended without the replica does not count as success", async () => {
  const pool = openPool();
  const warn = (kind: "select" | "insert") =>
    defineStatement({
      name: `warn_${kind}`,
      kind,
      text: "select warn() as one",
      parameters: [],
      columns: { one: "int4" },
    });
  const release = await lock();
  const neighbour = pool.run(BLOCKED, [], context());
  neighbour.catch(() => {});
  await pool.run(ECHO, [1n, [], [], true], context());
  await expect(pool.run(warn("insert"), [], context())).rejects.toMatchObject({
    code: "unavailable",
  });
  await release();
  await expect(neighbour).rejects.toMatchObject({ code: "unavailable" });
  expect(await pool.run(warn("select"), [], context())).toEqual([{ one: 1 }]);
});

test("a lost connection is unavailable, and the next statement has a new one", async () => {
  const pool = openPool({ max: 1 });
  const error: unknown = await pool.run(KILL_OWN_SESSION, [], context()).catch((e) => e);
  expect(error).toMatchObject({ code: "unavailable" });
  expect(isConnectionError(error)).toBe(true);
  const rows = await pool.run(ECHO, [1n, [], [], true], context());
  expect(rows.map(({ one }) => one)).toEqual([1n]);
});

const SEVEN = defineStatement({
  name: "seven",
  kind: "select",
  text: "select 7 as n",
  parameters: [],
  columns: { n: "int4" },
});

test("a connection lost in the middle of a result does not damage the next one", async () => {
  const pool = openPool({ max: 1 });
  const run = (text: string) => pool.run({ ...SEVEN, text }, [], context());
  const rowsThenEnd = `select n, case when n = 3 then pg_terminate_backend(pg_backend_pid()) end
    from generate_series(1, 3) as n`;
  await expect(run(rowsThenEnd)).rejects.toMatchObject({ code: "unavailable" });
  const next = await run(SEVEN.text).catch(() => run(SEVEN.text));
  expect(next.map(({ n }) => n)).toEqual([7]);
});

test("a missing server is unavailable", async () => {
  const pool = openPool({ url: "postgres://postgres@127.0.0.1:1/none" });
  const error: unknown = await pool.run(ECHO, [1n, [], [], true], context()).catch((e) => e);
  expect(error).toMatchObject({ code: "unavailable" });
  expect(isConnectionError(error)).toBe(true);
});

test("a server without a free connection is unavailable, and is used once it has one", async () => {
  const { db } = openPool();
  await db.execute(sql`create role narrow login password 'narrow' connection limit 1`);
  const url = new URL(database.primaryUrl);
  [url.username, url.password] = ["narrow", "narrow"];
  const [first, second] = [openPool({ url: url.href }), openPool({ url: url.href })];
  await first.run(ECHO, [1n, [], [], true], context());
  const error: unknown = await second.run(ECHO, [1n, [], [], true], context()).catch((e) => e);
  expect(error).toMatchObject({ code: "unavailable", cause: { code: "53300" } });
  await first.close();
  await expect.poll(
    () => second.run(ECHO, [1n, [], [], true], context()).catch(() => []),
  ).toHaveLength(1);
  await second.close();
  await db.execute(sql`drop role narrow`);
});

test("a statement is rejected at once if the queue is full, with a Retry-After", async () => {
  const pool = openPool({ max: 1, waitingMax: 2 });
  const release = await lock();
  const taken = Array.from({ length: 3 }, () => pool.run(BLOCKED, [], context()));
  await expect(pool.run(BLOCKED, [], context())).rejects.toMatchObject({
    code: "resource_exhausted",
    retryAfterMs: 1_000,
  });
  await release();
  expect(await Promise.all(taken)).toHaveLength(3);
  expect(await pool.run(BLOCKED, [], context())).toHaveLength(1);
});

const DIVIDE_BY_ZERO = defineStatement({
  name: "divide",
  kind: "select",
  text: "select 1 / $1::int4 as result",
  parameters: ["int4"],
  columns: { result: "int4" },
});

test("every statement is observed once, with its database, outcome and SQLSTATE", async () => {
  const seen: StatementObservation[] = [];
  const pool = openPool({ observe: (observation) => seen.push(observation) });
  await pool.run(ECHO, [1n, [], [], true], context());
  await pool.run(KILL_OWN_SESSION, [], context()).catch(() => {});
  await pool.run(DIVIDE_BY_ZERO, [0], context()).catch(() => {});
  expect(seen).toMatchObject([
    { role: "primary", name: "echo", kind: "select", outcome: "ok", sqlState: undefined },
    { role: "primary", name: "kill", kind: "insert", outcome: "unavailable" },
    { role: "primary", name: "divide", outcome: "internal", sqlState: "22012" },
  ]);
  const [{ name } = { name: "" }] = await pool.db.execute(sql`select current_database() as name`);
  expect(seen.map(({ namespace }) => namespace)).toEqual([name, name, name]);
});
