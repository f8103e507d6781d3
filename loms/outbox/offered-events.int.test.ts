import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { outboxLease } from "../../drizzle/loms/schema.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import type { OutgoingMessage } from "../../shared/bus/bus.ts";
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
import { ORDER_OUTBOX, type OrderEventRow, OUTBOX_READ } from "./order-outbox.ts";
import { Relay } from "./relay.ts";

let database: TestDatabase;
let loms: WriterFixture;
let sku: number;
/** The events that the writes of a test passed on. */
let written: OrderEventRow[];
let withStockEvents: boolean[];
/** The ids of the published events, in order. */
let taken: string[];

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl, {
    onEvents(events, stockEvents) {
      written.push(...events);
      withStockEvents.push(stockEvents);
    },
  });
  sku = await loms.addStock(1_000);
});
afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});
beforeEach(async () => {
  await loms.pool.db.execute(sql`delete from outbox`);
  await loms.pool.db.update(outboxLease).set({ until: "-infinity" });
  [written, withStockEvents, taken] = [[], [], []];
});

async function createOrder(count = 1, of = sku): Promise<bigint> {
  const [outcome] = await loms.create([{ sku: of, count }]);
  if (outcome?.kind !== "created") throw new Error("not created");
  return outcome.orderId;
}

const pay = (...ids: bigint[]) =>
  loms.writer.orderPay(ids.map((orderId) => ({ orderId, traceparent: "t" })), testContext());
const cancel = (...ids: bigint[]) =>
  loms.writer.orderCancel(ids.map((orderId) => ({ orderId, traceparent: "t" })), testContext());

/** The events that a relay reads from the table. */
async function inTable(): Promise<OrderEventRow[]> {
  const parameters = [randomUUID(), 1_000, [], 100, "local"] as const;
  const rows = await loms.pool.run(OUTBOX_READ, parameters, testContext());
  return rows.map(({ state: _state, awaited: _awaited, ...row }) => row);
}

test("each write passes on its outbox events", async () => {
  const [first, second, third] = [await createOrder(), await createOrder(), await createOrder()];
  await loms.create([{ sku, count: 60_000 }]);
  await pay(first, second, first, 999_999n);
  await cancel(third, first);
  const due = await createOrder();
  await loms.pool.db.execute(
    sql`update orders set payment_due_at = '2020-01-01' where order_id = ${due}`,
  );
  await loms.writer.expireOrders(10, testContext());
  expect(written).toHaveLength(14);
  expect(written).toEqual(await inTable());
});

test("a repeated answer passes on no event", async () => {
  const order = newOrder([{ sku, count: 1 }], "once");
  const [outcome] = await loms.writer.orderCreate([order, order], testContext());
  expect(written.map(({ seq }) => seq)).toEqual([1, 2]);
  await loms.writer.orderCreate([order], testContext());
  if (outcome?.kind !== "created") throw new Error("not created");
  await pay(outcome.orderId);
  await pay(outcome.orderId);
  expect(written).toHaveLength(3);
  expect(written).toEqual(await inTable());
});

test("a write returns whether it wrote stock events", async () => {
  const scarce = await loms.addStock(2);
  await createOrder(1, scarce);
  const last = await createOrder(1, scarce);
  await cancel(last);
  await cancel(last);
  expect(withStockEvents).toEqual([false, true, true, false]);
});

function openRelay(clock = new VirtualClock(), failures = 0, onError = () => {}): Relay {
  let left = failures;
  const publish = (_: unknown, messages: readonly OutgoingMessage[]) => {
    if (left-- > 0) return Promise.reject(new AppError("unavailable", "no bus"));
    taken.push(...messages.map(({ headers }) => headers["ce_id"] as string));
    return Promise.resolve();
  };
  return new Relay({
    outbox: ORDER_OUTBOX,
    writes: replicatedWrites(loms.pool),
    marks: loms.pool,
    ...{ bus: { publish }, topic: { name: "events", groups: [], deadLetterQueue: "dead" } },
    ...{ clock, relayId: randomUUID(), onError },
  });
}

test("the holder publishes offered events without reading them, and marks them", async () => {
  const relay = openRelay();
  await relay.step();
  const run = vi.spyOn(loms.pool, "run");
  const orderId = await createOrder();
  relay.offer(written);
  await pay(orderId);
  relay.offer(written.slice(2));
  await expect.poll(() => taken).toEqual([1, 2, 3].map((seq) => `${orderId}-${seq}`));
  await relay.close();
  const statements = run.mock.calls.map(([{ name }]) => name);
  run.mockRestore();
  expect(statements).not.toContain("outbox_read");
  expect((await outboxBacklog(ORDER_OUTBOX, loms.pool, testContext())).events).toBe(0);
});

test("before and after its lease a relay publishes no offered events", async () => {
  const clock = new VirtualClock();
  const relay = openRelay(clock);
  await createOrder();
  relay.offer(written);
  expect(taken).toEqual([]);
  await relay.step();
  clock.stall(4_000);
  await createOrder();
  relay.offer(written);
  await relay.close();
  expect(taken).toHaveLength(2);
  expect(await openRelay().step()).toMatchObject({ kind: "published", events: 2 });
});

test("a publish that fails is reported once, whatever is offered meanwhile", async () => {
  const onError = vi.fn();
  const relay = openRelay(new VirtualClock(), 1, onError);
  await relay.step();
  await createOrder();
  for (const row of written) relay.offer([row]);
  await expect.poll(() => onError.mock.calls.length).toBeGreaterThan(0);
  expect(await relay.step()).toMatchObject({ kind: "published", events: 2 });
  expect(onError).toHaveBeenCalledTimes(1);
  await relay.close();
});

test("while the bus is unavailable events wait in the table, in order", async () => {
  const clock = new VirtualClock();
  const relay = openRelay(clock, 5);
  relay.start();
  const orders: bigint[] = [];
  for (let order = 0; order < 20; order++) {
    orders.push(await createOrder());
    relay.offer(written.splice(0));
    await clock.advance(100);
  }
  await pay(...orders);
  relay.offer(written);
  await expect.poll(async () => {
    await clock.advance(100);
    return taken.length;
  }).toBeGreaterThanOrEqual(60);
  for (const orderId of orders) {
    const seqs = taken.filter((id) => id.startsWith(`${orderId}-`));
    expect(seqs).toEqual([1, 2, 3].map((seq) => `${orderId}-${seq}`));
  }
  await relay.close();
});
