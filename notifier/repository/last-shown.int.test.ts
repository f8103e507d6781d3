import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deadEvents, lastShown as table } from "../../drizzle/notifier/schema.ts";
import { RequestContext } from "../../shared/async/request-context.ts";
import { Pool } from "../../shared/postgres/pool.ts";
import type { Statement } from "../../shared/postgres/statement.ts";
import { describeStatement } from "../../shared/postgres/test/describe-statement.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { PostgresLastShown } from "./last-shown.ts";
import * as statements from "./statements.ts";

const DAY_MS = 24 * 60 * 60_000;
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const context = new RequestContext({ traceparent: TRACEPARENT, timeoutMs: 60_000 });

let database: TestDatabase;
let pool: Pool;

function openPool(): Pool {
  return new Pool({
    url: database.primaryUrl,
    role: "primary",
    max: 2,
    applicationName: "test",
  });
}

beforeAll(async () => {
  database = await testDatabase("notifier");
  pool = openPool();
});
afterAll(async () => {
  await pool.close();
  await database.drop();
});

test.each(Object.values(statements) as Statement[])(
  "$name has the declared parameters and columns",
  async (statement) => {
    expect(await describeStatement(pool, statement)).toEqual({
      parameters: statement.parameters,
      columns: statement.columns,
    });
  },
);

async function lastSeq(store: PostgresLastShown, orderId: bigint, within: RequestContext) {
  return (await store.lastSeqs(new Set([orderId]), within)).get(orderId) ?? 0;
}

const expired = new RequestContext({ traceparent: TRACEPARENT, timeoutMs: 0 });

test("lastSeqs() is 0 before the first event, then the remembered seq", async () => {
  const orderId = 9223372036854775807n;
  const store = new PostgresLastShown(pool);
  expect(await lastSeq(store, orderId, context)).toBe(0);
  await store.remember([{ orderId, seq: 1, final: false, isPromptFirst: false }], context);
  await store.remember([{ orderId, seq: 2, final: false, isPromptFirst: false }], context);
  expect(await lastSeq(new PostgresLastShown(pool), orderId, context)).toBe(2);
});

test("remember() keeps the newest event when an older one follows", async () => {
  const store = new PostgresLastShown(pool);
  await store.remember([{ orderId: 2n, seq: 3, final: true, isPromptFirst: false }], context);
  await store.remember([{ orderId: 2n, seq: 2, final: false, isPromptFirst: false }], context);
  expect(await lastSeq(store, 2n, context)).toBe(3);
});

test("concurrent calls share a read and a write, and each gets its answer", async () => {
  const batches: string[] = [];
  const store = new PostgresLastShown(
    pool,
    (name) => (waits) => void batches.push(`${name} ${waits.length}`),
  );
  const shown = (orderId: bigint, seq: number) =>
    ({ orderId, seq, final: false, isPromptFirst: false }) as const;
  await Promise.all([
    store.remember([shown(40n, 1), shown(40n, 3), shown(41n, 2)], context),
    store.remember([shown(42n, 1)], context),
  ]);
  const [both, other] = await Promise.all([
    store.lastSeqs(new Set([40n, 41n]), context),
    store.lastSeqs(new Set([42n, 43n]), context),
  ]);
  expect([both.get(40n), both.get(41n), other.get(42n), other.get(43n)])
    .toEqual([3, 2, 1, undefined]);
  expect(batches).toEqual(["notifier.remember 2", "notifier.last_seqs 2"]);
});

test("lastSeqs() repeats a failed remember()", async () => {
  const store = new PostgresLastShown(pool);
  const failed = store.remember(
    [{ orderId: 3n, seq: 1, final: false, isPromptFirst: false }],
    expired,
  );
  await expect(failed).rejects.toMatchObject({ code: "deadline_exceeded" });
  await expect(lastSeq(store, 3n, expired)).rejects.toMatchObject({ code: "deadline_exceeded" });
  expect(await lastSeq(store, 3n, context)).toBe(1);
  expect(await lastSeq(new PostgresLastShown(pool), 3n, context)).toBe(1);
});

test("forgetFinal() deletes orders that ended long ago, up to its maximum", async () => {
  const store = new PostgresLastShown(pool);
  await pool.db.delete(table);
  for (const [orderId, final, days] of [[1n, true, 40], [2n, true, 35], [3n, true, 1]] as const) {
    await store.remember([{ orderId, seq: 3, final, isPromptFirst: false }], context);
    await pool.db.update(table)
      .set({ shownAt: sql`now() - ${days} * interval '1 day'` as unknown as string })
      .where(sql`${table.orderId} = ${orderId}`);
  }
  await store.remember([{ orderId: 4n, seq: 2, final: false, isPromptFirst: false }], context);
  await pool.db.update(table).set({ shownAt: "2020-01-01T00:00:00Z" })
    .where(sql`${table.orderId} = 4`);

  expect(await store.forgetFinal(30 * DAY_MS, 1, context)).toBe(1);
  expect(await lastSeq(store, 1n, context)).toBe(0);
  expect(await store.forgetFinal(30 * DAY_MS, 10, context)).toBe(1);
  const left = await pool.db.select({ orderId: table.orderId }).from(table).orderBy(table.orderId);
  expect(left.map(({ orderId }) => orderId)).toEqual([3n, 4n]);
});

test("check() is in no batch and has its own deadline", async () => {
  const store = new PostgresLastShown(pool);
  const [seq] = await Promise.all([
    lastSeq(store, 9n, context),
    expect(store.check(expired)).rejects.toMatchObject({ code: "deadline_exceeded" }),
    store.check(context),
  ]);
  expect(seq).toBe(0);
});

test("coversBeginningOf() is true for orders after one that was shown promptly", async () => {
  const store = new PostgresLastShown(pool);
  await pool.db.delete(table);
  await store.remember([{ orderId: 10n, seq: 1, final: false, isPromptFirst: false }], context);
  expect(await store.coversBeginningOf(20n, context)).toBe(false);
  await store.remember([{ orderId: 15n, seq: 1, final: false, isPromptFirst: true }], context);
  await store.remember([{ orderId: 15n, seq: 2, final: false, isPromptFirst: false }], context);
  expect(await store.coversBeginningOf(20n, context)).toBe(true);
  expect(await store.coversBeginningOf(15n, context)).toBe(false);
  expect(await store.coversBeginningOf(12n, context)).toBe(false);
});

test("deadSeqs() returns what noteDead() recorded, until it is forgotten", async () => {
  const store = new PostgresLastShown(pool);
  await store.noteDead(7n, 2, context);
  await store.noteDead(7n, 2, context);
  expect(await store.deadSeqs(7n, context)).toEqual([2]);
  expect(await store.deadSeqs(8n, context)).toEqual([]);
  await store.forgetFinal(30 * DAY_MS, 10, context);
  expect(await store.deadSeqs(7n, context)).toEqual([2]);
  await pool.db.update(deadEvents).set({ notedAt: "2020-01-01T00:00:00Z" });
  await store.forgetFinal(30 * DAY_MS, 10, context);
  expect(await store.deadSeqs(7n, context)).toEqual([]);
});
