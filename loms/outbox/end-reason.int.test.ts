import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { orderEvent } from "../../proto/order-event.ts";
import { systemClock } from "../../shared/async/request-context.ts";
import { MessagesRefusedError, type OutgoingMessage } from "../../shared/bus/bus.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import {
  openWriterFixture,
  replicatedWrites,
  testContext,
  type WriterFixture,
} from "../repository/writer-fixture.ts";
import { ORDER_OUTBOX } from "./order-outbox.ts";
import { Relay } from "./relay.ts";
import { EVENTS_REPLAY, REFUSED_REPLAY } from "./statements.ts";

const topic = { name: "events", groups: ["group"], deadLetterQueue: "dead" };

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
beforeEach(async () => {
  await loms.pool.db.execute(sql`truncate outbox, outbox_refused`);
});

/** Publishes the waiting events; returns the status and reason of each. */
async function published(): Promise<string[]> {
  const taken: OutgoingMessage[] = [];
  const publish = (_: unknown, messages: readonly OutgoingMessage[]) => {
    taken.push(...messages);
    return Promise.resolve();
  };
  const relay = openRelay(publish);
  await relay.step();
  await relay.close();
  return taken.map(({ value }) => {
    const { status, reason } = orderEvent.parse(JSON.parse(value));
    return reason === undefined ? status : `${status}: ${reason}`;
  });
}

function openRelay(publish: (_: unknown, messages: readonly OutgoingMessage[]) => Promise<void>) {
  return new Relay({
    outbox: ORDER_OUTBOX,
    writes: replicatedWrites(loms.pool),
    marks: loms.pool,
    ...{ bus: { publish }, topic, clock: systemClock, relayId: randomUUID(), onError: () => {} },
  });
}

async function awaiting(): Promise<bigint> {
  const [outcome] = await loms.create([{ sku, count: 1 }]);
  if (outcome?.kind !== "created") throw new Error("not created");
  return outcome.orderId;
}

const cancel = (orderId: bigint) =>
  loms.writer.orderCancel([{ orderId, traceparent: "t" }], testContext());
const placed = ["new", "awaiting payment"];

test("the event of an order cancelled by its buyer has the reason buyer", async () => {
  await cancel(await awaiting());
  expect(await published()).toEqual([...placed, "cancelled: buyer"]);
});

test("the event of an order not payed in time has the reason payment_timeout", async () => {
  const orderId = await awaiting();
  await loms.pool.db.execute(
    sql`update orders set payment_due_at = '2020-01-01' where order_id = ${orderId}`,
  );
  await loms.writer.expireOrders(10, testContext());
  expect(await published()).toEqual([...placed, "cancelled: payment_timeout"]);
});

test("the event of an order short of stock has the reason out_of_stock", async () => {
  await loms.create([{ sku, count: 60_000 }]);
  expect(await published()).toEqual(["new", "failed: out_of_stock"]);
});

test("events of payed orders, and of orders without a stored reason, have none", async () => {
  const orderId = await awaiting();
  await loms.writer.orderPay([{ orderId, traceparent: "t" }], testContext());
  await cancel(await awaiting());
  // As written by the function of an older schema.
  await loms.pool.db.execute(sql`update outbox set reason = null where status = 'cancelled'`);
  expect(await published()).toEqual([...placed, "payed", ...placed, "cancelled"]);
});

test("republished events keep their reason", async () => {
  await cancel(await awaiting());
  const [{ since } = { since: "" }] = await loms.pool.db.execute<{ since: string }>(
    sql`select to_char(min(at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as since
      from outbox`,
  );
  const refusing = openRelay((_, messages) =>
    Promise.reject(new MessagesRefusedError([{ index: 2, reason: "large" }], messages.length))
  );
  await refusing.step();
  await refusing.close();
  await loms.pool.db.execute(sql`delete from outbox`);
  await loms.pool.run(REFUSED_REPLAY, [10], testContext());
  expect(await published()).toEqual(["cancelled: buyer"]);
  await loms.pool.run(EVENTS_REPLAY, [since, 10], testContext());
  expect(await published()).toEqual([...placed, "cancelled: buyer"]);
});
