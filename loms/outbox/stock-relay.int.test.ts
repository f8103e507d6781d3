import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { stockOutbox, stockOutboxLease, stockOutboxRefused } from "../../drizzle/loms/schema.ts";
import { stockEvent } from "../../proto/stock-event.ts";
import { systemClock } from "../../shared/async/request-context.ts";
import { MessagesRefusedError, type OutgoingMessage } from "../../shared/bus/bus.ts";
import { AppError } from "../../shared/errors.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import {
  newOrder,
  openWriterFixture,
  replicatedWrites,
  testContext,
  type WriterFixture,
} from "../repository/writer-fixture.ts";
import { outboxBacklog } from "./backlog.ts";
import { cleanOutbox } from "./clean.ts";
import type { RefusedEvent } from "./outbox.ts";
import { Relay } from "./relay.ts";
import { STOCK_OUTBOX } from "./stock-outbox.ts";

const topic = { name: "events", groups: [], deadLetterQueue: "dead" };

let database: TestDatabase;
let loms: WriterFixture;
/** The published messages, in order. */
let taken: OutgoingMessage[];
let refused: RefusedEvent[];
let nextReference = 1;

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl);
});

afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});

beforeEach(async () => {
  await loms.pool.db.delete(stockOutbox);
  await loms.pool.db.delete(stockOutboxRefused);
  await loms.pool.db.update(stockOutboxLease).set({ until: "-infinity" });
  [taken, refused] = [[], []];
});

const take = (messages: readonly OutgoingMessage[]) => {
  taken.push(...messages);
  return Promise.resolve();
};

function openRelay(publish: typeof take = take): Relay {
  return new Relay({
    outbox: STOCK_OUTBOX,
    writes: replicatedWrites(loms.pool),
    marks: loms.pool,
    bus: { publish: (_topic, messages) => publish(messages) },
    ...{ topic, clock: systemClock, relayId: randomUUID(), onError: () => {} },
    onRefused: (event) => refused.push(event),
  });
}

async function received(sku: number, count: number): Promise<void> {
  const context = testContext();
  await loms.stockWriter.stockChange({
    ...{ kind: "received", lines: [{ sku, count: BigInt(count) }] },
    ...{ reason: "delivery", reference: `note ${nextReference++}` },
  }, context);
}

const published = () => taken.map(({ value }) => stockEvent.parse(JSON.parse(value)));
const kinds = () => published().map(({ kind, available }) => `${kind} ${available}`);

test("step() publishes each event once, in the form of the contract", async () => {
  const sku = await loms.addStock(5, 5);
  await received(sku, 3);
  const relay = openRelay();
  expect(await relay.step()).toEqual({ kind: "published", events: 2, drained: true });
  expect(await relay.step()).toEqual({ kind: "drained" });
  const [first, second] = published();
  expect(first).toEqual({
    id: expect.stringMatching(`^${sku}-\\d+$`) as string,
    ...{ sku, kind: "received", available: 3n, total_count: 8n },
    at: expect.any(String) as string,
  });
  expect(second).toMatchObject({ sku, kind: "back_in_stock", available: 3n, total_count: 8n });
  expect(taken[0]).toMatchObject({
    key: String(sku),
    headers: {
      ce_specversion: "1.0",
      ce_id: first?.id,
      ce_type: "loms.stock.changed",
      ce_source: "/loms",
      ce_time: first?.at,
      "content-type": "application/json",
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-/) as string,
    },
  });
});

test("events of orders and cancellations that cross zero are published", async () => {
  const sku = await loms.addStock(4);
  const create = (count: number) =>
    loms.writer.orderCreate([newOrder([{ sku, count }])], testContext());
  const idOf = ([outcome]: Awaited<ReturnType<typeof create>>) => {
    if (outcome?.kind !== "created") throw new Error("not created");
    return { orderId: outcome.orderId, traceparent: "t" };
  };
  const first = idOf(await create(3));
  const second = idOf(await create(1));
  await create(1);
  await loms.writer.orderPay([first], testContext());
  await loms.writer.orderCancel([second], testContext());
  await openRelay().step();
  expect(published().map(({ kind, available, total_count: total }) => [kind, available, total]))
    .toEqual([["sold_out", 0n, 4n], ["back_in_stock", 1n, 1n]]);
});

test("the event of an order of an older loms that sells out is published, too", async () => {
  const sku = await loms.addStock(2);
  await loms.pool.db.execute(sql`select loms_order_create_durable(array[7]::int8[],
    array[null]::text[], array['t'], array[1], array[${sku}]::int8[], array[2], 1000, 20,
    'remote_apply')`);
  await openRelay().step();
  expect(kinds()).toEqual(["sold_out 0"]);
});

test("while the bus is unavailable events wait, in their order", async () => {
  const sku = await loms.addStock(0);
  const away = openRelay(() => Promise.reject(new AppError("unavailable", "no bus")));
  await received(sku, 2);
  await expect(away.step()).rejects.toThrow("no bus");
  await received(sku, -2);
  expect(await outboxBacklog(STOCK_OUTBOX, loms.pool, testContext())).toMatchObject({ events: 4 });
  await openRelay().step();
  expect(kinds()).toEqual(["received 2", "back_in_stock 2", "received 0", "sold_out 0"]);
});

test("an event that the bus refuses is recorded and does not block others", async () => {
  const sku = await loms.addStock(1);
  await received(sku, 1);
  await received(sku, 2);
  const relay = openRelay((messages) => {
    taken.push(...messages.slice(1));
    return Promise.reject(
      new MessagesRefusedError([{ index: 0, reason: "too large" }], messages.length),
    );
  });
  await relay.step();
  expect(kinds()).toEqual(["received 4"]);
  expect(refused).toEqual([
    { event: expect.stringMatching(`^${sku}-`) as string, kind: "received", reason: "too large" },
  ]);
  expect(await loms.pool.db.select().from(stockOutboxRefused)).toMatchObject([{ sku }]);
  expect(await outboxBacklog(STOCK_OUTBOX, loms.pool, testContext()))
    .toMatchObject({ events: 0, refused: 1 });
});

test("one of two relays publishes, and the other takes over when the lease expires", async () => {
  const sku = await loms.addStock(1);
  await received(sku, 1);
  let release = () => {};
  let started = () => {};
  const publishing = new Promise<void>((resolve) => started = resolve);
  const first = openRelay(() => (started(), new Promise((resolve) => release = resolve)));
  const step = first.step();
  await publishing;
  expect(await openRelay().step()).toEqual({ kind: "elsewhere" });
  release();
  await step;
  await first.close();
  await received(sku, 1);
  expect(await openRelay().step()).toMatchObject({ kind: "published", events: 1 });
});

test("cleanOutbox() deletes old published events", async () => {
  const sku = await loms.addStock(1);
  await received(sku, 1);
  await openRelay().step();
  await received(sku, 1);
  const options = { outbox: STOCK_OUTBOX, pool: loms.pool, clock: systemClock, onError: () => {} };
  expect(await cleanOutbox(options)).toBe(0);
  await loms.pool.db.execute(
    sql`update stock_outbox set published_at = published_at - interval '1 day'`,
  );
  expect(await cleanOutbox(options)).toBe(1);
  expect((await outboxBacklog(STOCK_OUTBOX, loms.pool, testContext())).events).toBe(1);
});
