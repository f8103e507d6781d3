import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { outboxLease } from "../drizzle/loms/schema.ts";
import { systemClock } from "../shared/async/request-context.ts";
import { type TestDatabase, testDatabase } from "../stack/test/database.ts";
import { cleanOutbox } from "./outbox/clean.ts";
import { ORDER_OUTBOX } from "./outbox/order-outbox.ts";
import { Relay } from "./outbox/relay.ts";
import {
  openWriterFixture,
  replicatedWrites,
  testContext,
  type WriterFixture,
} from "./repository/writer-fixture.ts";

// Rows stamped by the server before its clock stepped back an hour.

const PAYMENT_TIMEOUT_MS = 60_000;

let database: TestDatabase;
let loms: WriterFixture;
let sku: number;

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl, { paymentTimeoutMs: PAYMENT_TIMEOUT_MS });
  sku = await loms.addStock(1_000);
});

afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});

beforeEach(async () => {
  await loms.pool.db.execute(sql`delete from outbox`);
  await loms.pool.db.update(outboxLease).set({ until: "-infinity" });
});

function openRelay(): Relay {
  return new Relay({
    outbox: ORDER_OUTBOX,
    writes: replicatedWrites(loms.pool),
    marks: loms.pool,
    bus: { publish: () => Promise.resolve() },
    topic: { name: "events", groups: ["group"], deadLetterQueue: "dead" },
    clock: systemClock,
    relayId: randomUUID(),
    onError: () => {},
  });
}

async function createOrder(): Promise<bigint> {
  const [outcome] = await loms.create([{ sku, count: 1 }]);
  if (outcome?.kind !== "created") throw new Error("not created");
  return outcome.orderId;
}

async function leaseEndsIn(interval: string): Promise<void> {
  await loms.pool.db.execute(sql`
    update outbox_lease set holder = ${randomUUID()}::uuid,
      until = clock_timestamp() + ${interval}::interval`);
}

test("a lease that ends later than a new one is invalid", async () => {
  await createOrder();
  await leaseEndsIn("1 hour");
  expect(await openRelay().step()).toEqual({ kind: "published", events: 2, drained: true });
});

test("a lease that ends no later than a new one is valid", async () => {
  await createOrder();
  await leaseEndsIn("9 seconds");
  expect(await openRelay().step()).toEqual({ kind: "elsewhere" });
});

test("events that were published in the future are deleted", async () => {
  await createOrder();
  await openRelay().step();
  await loms.pool.db.execute(
    sql`update outbox set published_at = published_at + interval '1 hour'`,
  );
  expect(
    await cleanOutbox({
      outbox: ORDER_OUTBOX,
      pool: loms.pool,
      clock: systemClock,
      onError: () => {},
    }),
  ).toBe(2);
});

async function dueIn(orderId: bigint): Promise<number> {
  const [row] = await loms.pool.db.execute<{ ms: number }>(sql`
    select (extract(epoch from payment_due_at - clock_timestamp()) * 1000)::float8 as ms
    from orders where order_id = ${orderId}`);
  return row?.ms ?? NaN;
}

const stepBack = (orderId: bigint) =>
  loms.pool.db.execute(sql`
    update orders set created_at = created_at + interval '1 hour',
      payment_due_at = payment_due_at + interval '1 hour'
    where order_id = ${orderId}`);

test("an order from the future gets the full payment time from now, once", async () => {
  const orderId = await createOrder();
  await stepBack(orderId);
  expect(await loms.writer.expireOrders(10, testContext())).toBe(0);
  const ms = await dueIn(orderId);
  expect(ms).toBeGreaterThan(PAYMENT_TIMEOUT_MS - 10_000);
  expect(ms).toBeLessThanOrEqual(PAYMENT_TIMEOUT_MS);
  await loms.writer.expireOrders(10, testContext());
  expect(await dueIn(orderId), "its deadline moves once").toBeLessThan(ms);
});

test("a longer deadline that was set in the past is kept", async () => {
  const orderId = await createOrder();
  await loms.pool.db.execute(sql`
    update orders set payment_due_at = payment_due_at + interval '1 hour'
    where order_id = ${orderId}`);
  await loms.writer.expireOrders(10, testContext());
  expect(await dueIn(orderId)).toBeGreaterThan(PAYMENT_TIMEOUT_MS);
});
