import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { newOrder, openWriterFixture, testContext, type WriterFixture } from "./writer-fixture.ts";

const CALLERS = 8;
const ROUNDS = 25;
const SKUS = 12;

let database: TestDatabase;
let loms: WriterFixture;

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl);
});

afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});

/** mulberry32: repeatable randomness. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function shop(caller: number, skus: readonly number[]): Promise<void> {
  const next = random(caller + 1);
  const some = () => skus.filter(() => next() < 0.4).map((sku) => ({ sku, count: 1 }));
  const known: bigint[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const wanted = Array.from({ length: 6 }, () => ({
      ...newOrder(some(), next() < 0.5 ? `key-${Math.floor(next() * 40)}` : undefined),
      userId: BigInt(1 + Math.floor(next() * 3)),
    })).filter(({ items }) => items.length > 0);
    const outcomes = await loms.writer.orderCreate(wanted, testContext());
    for (const outcome of outcomes) if (outcome.kind === "created") known.push(outcome.orderId);
    const picked = known.toSorted(() => next() - 0.5).slice(0, 8);
    const changes = picked.map((orderId) => ({ orderId, traceparent: "t" }));
    if (next() < 0.5) await loms.writer.orderPay(changes, testContext());
    else await loms.writer.orderCancel(changes, testContext());
    await loms.writer.expireOrders(5, testContext());
    const lines = some().map(({ sku }) => ({ sku, count: BigInt(Math.floor(next() * 20) - 5) }));
    if (lines.length === 0) continue;
    await loms.stockWriter.stockChange({
      ...{ kind: "received", lines, reason: "delivery" },
      reference: `note ${caller} ${Math.floor(next() * ROUNDS)}`,
    }, testContext());
  }
}

test("random orders and stock changes never deadlock, and the stock agrees with both", async () => {
  const skus: number[] = [];
  for (let index = 0; index < SKUS; index++) skus.push(await loms.addStock(300));
  await Promise.all(Array.from({ length: CALLERS }, (_, caller) => shop(caller, skus)));

  const { db } = loms.pool;
  const [stats] = await db.execute<{ deadlocks: bigint }>(
    sql`select deadlocks from pg_stat_database where datname = current_database()`,
  );
  expect(stats?.deadlocks).toBe(0n);
  const wrong = await db.execute(sql`
    select s.sku, s.total_count, s.reserved, sold, held, moved
    from stocks s
    left join lateral (
      select coalesce(sum(i.count) filter (where o.status = 'payed'), 0) as sold,
        coalesce(sum(i.count) filter (where o.status = 'awaiting payment'), 0) as held
      from order_items i join orders o using (order_id) where i.sku = s.sku
    ) of_orders on true
    left join lateral (
      select sum(m.count) as moved from stock_movements m where m.sku = s.sku
    ) of_movements on true
    where s.sku >= 2000000000
      and (s.total_count <> moved - sold or s.reserved <> held or s.reserved > s.total_count)`);
  expect([...wrong]).toEqual([]);
  const gaps = await db.execute(sql`
    select o.order_id from orders o join order_events e using (order_id)
    group by o.order_id, o.seq, o.status
    having array_agg(e.seq::int order by e.seq) <> array(select generate_series(1, o.seq))
      or (array_agg(e.status order by e.seq desc))[1] <> o.status`);
  expect([...gaps]).toEqual([]);
});
