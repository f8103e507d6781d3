import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { latePayments, orders } from "../../drizzle/loms/schema.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { openWriterFixture, testContext, type WriterFixture } from "./writer-fixture.ts";

let database: TestDatabase;
let loms: WriterFixture;
let sku: number;

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl);
  sku = await loms.addStock(1_000);
});

afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});

async function awaiting(): Promise<bigint> {
  const [outcome] = await loms.create([{ sku, count: 1 }]);
  if (outcome?.kind !== "created") throw new Error(`not created: ${outcome?.kind}`);
  return outcome.orderId;
}

const changes = (...orderIds: readonly bigint[]) =>
  orderIds.map((orderId) => ({ orderId, traceparent: "t" }));
const pay = (...orderIds: readonly bigint[]) =>
  loms.writer.orderPay(changes(...orderIds), testContext());
const cancel = (orderId: bigint) => loms.writer.orderCancel(changes(orderId), testContext());

async function setOverdue(orderId: bigint): Promise<void> {
  await loms.pool.db.update(orders).set({ paymentDueAt: "2020-01-01T00:00:00Z" })
    .where(eq(orders.orderId, orderId));
}

async function latePaymentOf(orderId: bigint) {
  const rows = await loms.pool.db.select().from(latePayments)
    .where(eq(latePayments.orderId, orderId));
  expect(rows.length).toBeLessThanOrEqual(1);
  return rows[0];
}

test("a payment of an order cancelled by its buyer is refused and recorded", async () => {
  const orderId = await awaiting();
  await cancel(orderId);
  expect(await latePaymentOf(orderId)).toBeUndefined();
  expect(await pay(orderId)).toEqual([{ kind: "wrong_status", status: "cancelled" }]);
  const recorded = await latePaymentOf(orderId);
  expect(recorded).toMatchObject({ orderId, tries: 1 });
  expect(recorded?.lastAt).toBe(recorded?.firstAt);
  expect(Math.abs(Date.parse(recorded?.firstAt ?? "") - Date.now())).toBeLessThan(60_000);
});

test("an overdue payment is recorded, before and after loms cancels the order", async () => {
  const orderId = await awaiting();
  await setOverdue(orderId);
  expect(await pay(orderId)).toEqual([{ kind: "payment_overdue" }]);
  expect(await latePaymentOf(orderId)).toMatchObject({ tries: 1 });
  await loms.writer.expireOrders(100, testContext());
  expect(await pay(orderId)).toEqual([{ kind: "wrong_status", status: "cancelled" }]);
  expect(await latePaymentOf(orderId)).toMatchObject({ tries: 2 });
});

test("a repeated late payment keeps its first time and updates its last", async () => {
  const orderId = await awaiting();
  await cancel(orderId);
  await pay(orderId);
  const longAgo = "2020-01-01 00:00:00+00";
  await loms.pool.db.update(latePayments).set({ firstAt: longAgo, lastAt: longAgo })
    .where(eq(latePayments.orderId, orderId));
  await pay(orderId);
  const recorded = await latePaymentOf(orderId);
  expect(recorded).toMatchObject({ firstAt: longAgo, tries: 2 });
  expect(Date.parse(recorded?.lastAt ?? "")).toBeGreaterThan(Date.parse("2021-01-01"));
  // A clock that was set back does not move it back.
  const ahead = "2199-01-01 00:00:00+00";
  await loms.pool.db.update(latePayments).set({ lastAt: ahead })
    .where(eq(latePayments.orderId, orderId));
  await pay(orderId);
  expect(await latePaymentOf(orderId)).toMatchObject({ lastAt: ahead, tries: 3 });
});

test("a list counts each late payment of one order, and pays the others", async () => {
  const [late, inTime] = [await awaiting(), await awaiting()];
  await cancel(late);
  const outcomes = await pay(late, inTime, late, 2n ** 63n - 1n, late);
  expect(outcomes.map(({ kind }) => kind))
    .toEqual(["wrong_status", "changed", "wrong_status", "not_found", "wrong_status"]);
  expect(await latePaymentOf(late)).toMatchObject({ tries: 3 });
  expect(await latePaymentOf(inTime)).toBeUndefined();
});

test("concurrent late payments of one order create one row", async () => {
  const orderId = await awaiting();
  await cancel(orderId);
  await Promise.all(Array.from({ length: 10 }, () => pay(orderId)));
  expect(await latePaymentOf(orderId)).toMatchObject({ tries: 10 });
});

test("payments of a payed, a failed and an unknown order are not late", async () => {
  const payed = await awaiting();
  const [outcome] = await loms.create([{ sku, count: 60_000 }]);
  if (outcome?.kind !== "short") throw new Error("not short");
  const failed = outcome.shortage.orderId;
  const unknown = 2n ** 63n - 1n;
  await pay(payed);
  const outcomes = await pay(payed, failed, unknown);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["unchanged", "wrong_status", "not_found"]);
  for (const orderId of [payed, failed, unknown]) {
    expect(await latePaymentOf(orderId)).toBeUndefined();
  }
});

test("cancelling a cancelled or an overdue order is not a late payment", async () => {
  const orderId = await awaiting();
  await setOverdue(orderId);
  await cancel(orderId);
  await cancel(orderId);
  expect(await latePaymentOf(orderId)).toBeUndefined();
});
