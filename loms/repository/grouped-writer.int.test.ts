import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import type { OrderCreateOutcome, OrderWriter } from "../domain/deps.ts";
import { newOrder, openWriterFixture, testContext, type WriterFixture } from "./writer-fixture.ts";
import { createGroupedWriter } from "./writer.ts";

/** Users whose orders the database refuses, or refuses once. */
const REFUSED_USER = 13n;
const CONFLICTING_USER = 14n;
const WITHIN = { timeout: 10_000, interval: 20 };

let database: TestDatabase;
let loms: WriterFixture;
let writer: OrderWriter;

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl);
  writer = createGroupedWriter(loms.writer, new Metrics("loms"));
  const { db } = loms.pool;
  await db.execute(sql`create sequence conflicts`);
  await db.execute(sql`create function refuse() returns trigger language plpgsql as $$
    begin
      if new.user_id = 13 then raise exception using errcode = 'check_violation'; end if;
      if new.user_id = 14 and nextval('conflicts') = 1 then
        raise exception using errcode = 'serialization_failure';
      end if;
      return new;
    end $$`);
  await db.execute(sql`create trigger refuse before insert on orders
    for each row execute function refuse()`);
});

afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});

const create = (sku: number, userId = 7n, key?: string) =>
  writer.orderCreate({ ...newOrder([{ sku, count: 1 }], key), userId }, testContext());

const createAtOnce = (sku: number, orders: number) =>
  Promise.all(Array.from({ length: orders }, () => create(sku)));

function orderIdOf(outcome: OrderCreateOutcome | undefined): bigint {
  if (outcome?.kind !== "created") throw new Error(`not created but ${outcome?.kind}`);
  return outcome.orderId;
}

/** The number of transactions that wrote the orders. */
async function transactionsOf(orderIds: readonly bigint[]): Promise<bigint> {
  const [row] = await loms.pool.db.execute<{ transactions: bigint }>(sql`
    select count(distinct xmin::text) as transactions from orders
    where order_id = any (${`{${orderIds.join()}}`}::bigint[])`);
  return row?.transactions ?? 0n;
}

test("concurrent orders share a transaction and are admitted in their order", async () => {
  const sku = await loms.addStock(150);
  const outcomes = await createAtOnce(sku, 200);
  expect(outcomes.map(({ kind }) => kind)).toEqual([
    ...Array<string>(150).fill("created"),
    ...Array<string>(50).fill("short"),
  ]);
  const orderIds = outcomes.slice(0, 150).map(orderIdOf);
  expect(orderIds).toEqual(orderIds.toSorted((a, b) => Number(a - b)));
  expect(await transactionsOf(orderIds)).toBe(1n);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 150, reserved: 150 });
});

test("an order that the database refuses fails alone", async () => {
  const sku = await loms.addStock(10);
  const users = [1n, 2n, REFUSED_USER, 4n, 5n];
  const outcomes = await Promise.allSettled(users.map((user) => create(sku, user)));
  expect(outcomes.map(({ status }) => status))
    .toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 10, reserved: 4 });
});

test("a transaction that conflicts is repeated as a whole", async () => {
  const sku = await loms.addStock(10);
  const outcomes = await Promise.all([1n, CONFLICTING_USER, 3n].map((user) => create(sku, user)));
  expect(await transactionsOf(outcomes.map(orderIdOf))).toBe(1n);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 10, reserved: 3 });
});

test("one key from 50 concurrent callers creates one order", async () => {
  const sku = await loms.addStock(100);
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, () => create(sku, 7n, "at once")),
  );
  expect(new Set(outcomes.map(orderIdOf)).size).toBe(1);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 100, reserved: 1 });
});

test("concurrent payments and cancellations get separate answers", async () => {
  const sku = await loms.addStock(10);
  const [payed = 0n, cancelled = 0n] = (await createAtOnce(sku, 2)).map(orderIdOf);
  const change = (orderId: bigint) => ({ orderId, traceparent: "t" });
  const pay = (orderId: bigint) => writer.orderPay(change(orderId), testContext());
  const cancel = (orderId: bigint) => writer.orderCancel(change(orderId), testContext());
  expect(await Promise.all([pay(payed), pay(payed), pay(2n ** 60n), cancel(cancelled)])).toEqual([
    { kind: "changed" },
    { kind: "unchanged" },
    { kind: "not_found" },
    { kind: "changed" },
  ]);
  expect(await Promise.all([pay(cancelled), cancel(payed)])).toEqual([
    { kind: "wrong_status", status: "cancelled" },
    { kind: "wrong_status", status: "payed" },
  ]);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 9, reserved: 0 });
});

test("a lost connection leaves only the orders of its transaction unknown", async () => {
  const sku = await loms.addStock(10);
  const release = await lock(sku);
  const sent = Promise.allSettled([create(sku), create(sku)]);
  await expect.poll(waitingForLocks, WITHIN).toHaveLength(1);
  const [pid] = await waitingForLocks();
  const queued = [create(sku), create(sku), create(sku)];
  await loms.pool.db.execute(sql`select pg_terminate_backend(${pid}::int)`);
  const codes = (await sent).map((each) => each.status === "rejected" ? each.reason : each.value);
  expect(codes).toMatchObject([{ code: "unavailable" }, { code: "unavailable" }]);
  await release();
  expect(await transactionsOf((await Promise.all(queued)).map(orderIdOf))).toBe(1n);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 10, reserved: 3 });
});

test("an order that waits for a lock does not delay others until it is released", async () => {
  const [locked, free] = [await loms.addStock(10), await loms.addStock(10)];
  const release = await lock(locked);
  const held = create(locked);
  await expect.poll(waitingForLocks, WITHIN).toHaveLength(1);
  expect((await create(free)).kind).toBe("created");
  await release();
  expect((await held).kind).toBe("created");
});

/** Locks a stock row, as another session might. */
async function lock(sku: number): Promise<() => Promise<void>> {
  const { db } = loms.pool;
  const locked = db.execute(sql`
    with locked as materialized (select sku from stocks where sku = ${sku} for update)
    select pg_sleep(30) from locked`).then(() => {}, () => {});
  const pids = sql`from pg_stat_activity where query like '%locked as%'
    and wait_event = 'PgSleep' and datname = current_database()`;
  await expect.poll(async () => (await db.execute(sql`select ${pids}`)).length, WITHIN).toBe(1);
  return async () => {
    await db.execute(sql`select pg_cancel_backend(pid) ${pids}`);
    await locked;
  };
}

async function waitingForLocks(): Promise<number[]> {
  const rows = await loms.pool.db.execute<{ pid: number }>(sql`select pid from pg_stat_activity
    where wait_event_type = 'Lock' and datname = current_database()`);
  return rows.map(({ pid }) => pid);
}
