import { asc, eq, inArray } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { orders, stockOutbox } from "../../drizzle/loms/schema.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { newOrder, openWriterFixture, testContext, type WriterFixture } from "./writer-fixture.ts";

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

async function take(...lines: readonly [sku: number, count: number][]): Promise<bigint> {
  const [outcome] = await loms.create(lines.map(([sku, count]) => ({ sku, count })));
  if (outcome?.kind !== "created") throw new Error(`not created: ${outcome?.kind}`);
  return outcome.orderId;
}

const change = (...orderIds: bigint[]) =>
  orderIds.map((orderId) => ({ orderId, traceparent: "t" }));

/** The stock events of the SKUs: kind, units available, total. */
async function crossings(...skus: number[]): Promise<string[]> {
  const rows = await loms.pool.db.select().from(stockOutbox)
    .where(inArray(stockOutbox.sku, skus)).orderBy(asc(stockOutbox.id));
  return rows.map(({ kind, available, totalCount }) => `${kind} ${available} of ${totalCount}`);
}

test("an order of the last units sells its SKU out", async () => {
  const [sku, other] = [await loms.addStock(10, 3), await loms.addStock(10)];
  await take([sku, 6], [other, 1]);
  expect(await crossings(sku, other)).toEqual([]);
  const orderId = await take([sku, 1]);
  expect(await crossings(sku, other)).toEqual(["sold_out 0 of 10"]);
  await loms.create([{ sku, count: 1 }]);
  await loms.writer.orderPay(change(orderId), testContext());
  expect(await crossings(sku), "a failed order and a payment cross nothing").toHaveLength(1);
});

test("a cancelled and an expired order make a sold out SKU available", async () => {
  const sku = await loms.addStock(5);
  const [cancelled, expired] = [await take([sku, 2]), await take([sku, 3])];
  await loms.writer.orderCancel(change(cancelled), testContext());
  expect(await crossings(sku)).toEqual(["sold_out 0 of 5", "back_in_stock 2 of 5"]);
  await loms.pool.db.update(orders).set({ paymentDueAt: "2020-01-01" })
    .where(eq(orders.orderId, expired));
  await loms.writer.expireOrders(10, testContext());
  expect(await crossings(sku), "two were there already").toHaveLength(2);
});

test("a list of orders sells a SKU out once, and makes it available once", async () => {
  const sku = await loms.addStock(4);
  const outcomes = await loms.writer.orderCreate(
    Array.from({ length: 6 }, () => newOrder([{ sku, count: 1 }])),
    testContext(),
  );
  const created = outcomes.flatMap((outcome) =>
    outcome.kind === "created" ? [outcome.orderId] : []
  );
  expect(created).toHaveLength(4);
  await loms.writer.orderCancel(change(...created.slice(0, 3)), testContext());
  expect(await crossings(sku)).toEqual(["sold_out 0 of 4", "back_in_stock 3 of 4"]);
});

test("an over-reserved SKU is back only once its total exceeds the reserved units", async () => {
  const sku = await loms.addStock(10);
  const [first, second] = [await take([sku, 4]), await take([sku, 6])];
  // As left by a file or an older version.
  await loms.pool.db.execute(`update stocks set reserved = reserved + 4 where sku = ${sku}`);
  await loms.writer.orderCancel(change(first), testContext());
  expect(await crossings(sku)).toEqual(["sold_out 0 of 10"]);
  await loms.writer.orderCancel(change(second), testContext());
  expect(await crossings(sku)).toEqual(["sold_out 0 of 10", "back_in_stock 6 of 10"]);
});
