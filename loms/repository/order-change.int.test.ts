import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { orders } from "../../drizzle/loms/schema.ts";
import { isFinal, ORDER_STATUSES, type OrderStatus, sourcesOf } from "../../proto/order-status.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { openWriterFixture, testContext, type WriterFixture } from "./writer-fixture.ts";

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

async function awaiting(sku: number, count: number): Promise<bigint> {
  const [outcome] = await loms.create([{ sku, count }]);
  if (outcome?.kind !== "created") throw new Error(`not created: ${outcome?.kind}`);
  return outcome.orderId;
}

const change = (orderId: bigint) => [{ orderId, traceparent: `trace of ${orderId}` }];
const pay = (orderId: bigint) => loms.writer.orderPay(change(orderId), testContext());
const cancel = (orderId: bigint) => loms.writer.orderCancel(change(orderId), testContext());

async function setOverdue(orderId: bigint): Promise<void> {
  await loms.pool.db.update(orders).set({ paymentDueAt: "2020-01-01T00:00:00Z" })
    .where(eq(orders.orderId, orderId));
}

test("orderPay() removes the reserved units from the stock", async () => {
  const sku = await loms.addStock(10, 4);
  const orderId = await awaiting(sku, 5);
  expect(await pay(orderId)).toEqual([{ kind: "changed" }]);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 5, reserved: 4 });
  const path = ["1 new", "2 awaiting payment", "3 payed"];
  expect(await loms.eventsOf(orderId)).toEqual({ history: path, outbox: path });
});

test("orderCancel() releases the reserved units", async () => {
  const sku = await loms.addStock(10, 4);
  const orderId = await awaiting(sku, 5);
  expect(await cancel(orderId)).toEqual([{ kind: "changed" }]);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 10, reserved: 4 });
  const path = ["1 new", "2 awaiting payment", "3 cancelled"];
  expect(await loms.eventsOf(orderId)).toEqual({ history: path, outbox: path });
});

test("orderPay() and orderCancel() change nothing and write no event the second time", async () => {
  const sku = await loms.addStock(10);
  const [payed, cancelled] = [await awaiting(sku, 1), await awaiting(sku, 2)];
  await pay(payed);
  await cancel(cancelled);
  expect(await pay(payed)).toEqual([{ kind: "unchanged" }]);
  expect(await cancel(cancelled)).toEqual([{ kind: "unchanged" }]);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 9, reserved: 0 });
  expect((await loms.eventsOf(payed)).history).toHaveLength(3);
  expect((await loms.eventsOf(cancelled)).history).toHaveLength(3);
});

test("a list returns one outcome per order, also for a repeated order", async () => {
  const sku = await loms.addStock(10);
  const [first, second] = [await awaiting(sku, 1), await awaiting(sku, 1)];
  const unknown = 2n ** 63n - 1n;
  await cancel(second);
  const changes = [unknown, first, second, first].flatMap(change);
  expect(await loms.writer.orderPay(changes, testContext())).toEqual([
    { kind: "not_found" },
    { kind: "changed" },
    { kind: "wrong_status", status: "cancelled" },
    { kind: "unchanged" },
  ]);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 9, reserved: 0 });
  expect(await loms.writer.orderPay([], testContext())).toEqual([]);
});

test("orderPay() is refused past the payment deadline; orderCancel() works", async () => {
  const sku = await loms.addStock(10);
  const orderId = await awaiting(sku, 1);
  await setOverdue(orderId);
  expect(await pay(orderId)).toEqual([{ kind: "payment_overdue" }]);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 10, reserved: 1 });
  expect(await cancel(orderId)).toEqual([{ kind: "changed" }]);
});

test("expireOrders() cancels overdue orders, up to its maximum, and no others", async () => {
  const sku = await loms.addStock(10);
  const overdue = [await awaiting(sku, 1), await awaiting(sku, 1), await awaiting(sku, 1)];
  const inTime = await awaiting(sku, 1);
  for (const orderId of overdue) await setOverdue(orderId);
  const context = testContext();
  expect(await loms.writer.expireOrders(2, context)).toBe(2);
  expect(await loms.writer.expireOrders(2, context)).toBe(1);
  expect(await loms.writer.expireOrders(2, context)).toBe(0);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 10, reserved: 1 });
  const path = ["1 new", "2 awaiting payment", "3 cancelled"];
  expect(await loms.eventsOf(overdue[0] as bigint)).toEqual({ history: path, outbox: path });
  expect(await pay(inTime)).toEqual([{ kind: "changed" }]);
});

test("an older loms expires and changes orders by its own functions", async () => {
  const sku = await loms.addStock(10);
  const [overdue, other] = [await awaiting(sku, 1), await awaiting(sku, 1)];
  await setOverdue(overdue);
  const { db } = loms.pool;
  const [expired] = await db.execute(sql`select loms_expire_orders(10, 't') as cancelled`);
  expect(expired).toEqual({ cancelled: 1 });
  const change = (orderId: bigint) =>
    db.execute(sql`select kind, status from loms_order_change_durable(
      array[${orderId}]::int8[], array['t'], 'payed', 'local')`);
  expect([...await change(overdue)]).toEqual([{ kind: "wrong_status", status: "cancelled" }]);
  expect([...await change(other)]).toEqual([{ kind: "changed", status: "awaiting payment" }]);
});

test("expireOrders() in several processes cancels each order once", async () => {
  const sku = await loms.addStock(100);
  const orderIds = await Promise.all(Array.from({ length: 20 }, () => awaiting(sku, 1)));
  for (const orderId of orderIds) await setOverdue(orderId);
  const counts = await Promise.all(
    Array.from({ length: 8 }, () => loms.writer.expireOrders(5, testContext())),
  );
  const rest = await loms.writer.expireOrders(100, testContext());
  expect(counts.reduce((sum, count) => sum + count, rest)).toBe(20);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 100, reserved: 0 });
  for (const orderId of orderIds) {
    expect((await loms.eventsOf(orderId)).history).toHaveLength(3);
  }
});

test("of a concurrent pay and cancel one succeeds, and the other gets the new status", async () => {
  const sku = await loms.addStock(100);
  for (let round = 0; round < 20; round++) {
    const orderId = await awaiting(sku, 1);
    const [[payed], [cancelled]] = await Promise.all([pay(orderId), cancel(orderId)]);
    expect([payed?.kind, cancelled?.kind].toSorted()).toEqual(["changed", "wrong_status"]);
    const { history } = await loms.eventsOf(orderId);
    expect(history[2]).toBe(payed?.kind === "changed" ? "3 payed" : "3 cancelled");
    expect(history).toHaveLength(3);
  }
  const { totalCount, reserved } = await loms.stockOf(sku);
  expect(reserved).toBe(0);
  expect(totalCount).toBeLessThanOrEqual(100);
});

test("the statement changes an order only from the allowed statuses", async () => {
  const sku = await loms.addStock(1_000);
  for (const from of ORDER_STATUSES.filter((status) => status !== "new")) {
    for (const [to, change] of [["payed", pay], ["cancelled", cancel]] as const) {
      const orderId = await awaiting(sku, 1);
      await loms.pool.db.update(orders).set({ status: from }).where(eq(orders.orderId, orderId));
      const allowed = sourcesOf(to).includes(from) ? "changed" : "wrong_status";
      const [outcome] = await change(orderId);
      expect([from, to, outcome?.kind]).toEqual([from, to, from === to ? "unchanged" : allowed]);
    }
  }
  expect(await loms.pool.db.select().from(orders).where(eq(orders.status, "new"))).toEqual([]);
});

test("creation and expiry follow the transitions of proto, to a final status", async () => {
  const sku = await loms.addStock(1);
  const expired = await awaiting(sku, 1);
  await setOverdue(expired);
  expect(await loms.writer.expireOrders(1, testContext())).toBe(1);
  const [short] = await loms.create([{ sku, count: 2 }]);
  if (short?.kind !== "short") throw new Error(`not short: ${short?.kind}`);
  for (const orderId of [expired, short.shortage.orderId]) {
    const { history } = await loms.eventsOf(orderId);
    const statuses = history.map((step) => step.split(" ").slice(1).join(" ") as OrderStatus);
    expect(statuses[0]).toBe("new");
    for (const [index, to] of statuses.slice(1).entries()) {
      expect(sourcesOf(to)).toContain(statuses[index]);
    }
    expect(isFinal(statuses.at(-1) as OrderStatus)).toBe(true);
  }
});

test("the times of an order's events never decrease", async () => {
  const sku = await loms.addStock(10);
  const orderId = await awaiting(sku, 1);
  const ahead = "2199-01-01 00:00:00.123+00";
  await loms.pool.db.update(orders).set({ changedAt: ahead }).where(eq(orders.orderId, orderId));
  await cancel(orderId);
  const [stored] = await loms.pool.db.select().from(orders).where(eq(orders.orderId, orderId));
  expect(Date.parse(stored?.changedAt ?? "")).toBe(Date.parse("2199-01-01T00:00:00.123Z"));
});
