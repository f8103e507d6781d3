import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { outboxLease } from "../../drizzle/loms/schema.ts";
import { orderEvent } from "../../proto/order-event.ts";
import { systemClock } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { MessagesRefusedError, type OutgoingMessage, type Topic } from "../../shared/bus/bus.ts";
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
import { ORDER_OUTBOX } from "./order-outbox.ts";
import type { RefusedEvent } from "./outbox.ts";
import { Relay } from "./relay.ts";

const topic: Topic = { name: "events", groups: ["group"], deadLetterQueue: "dead" };

let database: TestDatabase;
let loms: WriterFixture;
let sku: number;
/** The published messages, in order. */
let taken: OutgoingMessage[];

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl, { connections: 12 });
  sku = await loms.addStock(1_000_000);
});

afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});

beforeEach(async () => {
  await loms.pool.db.execute(sql`delete from outbox`);
  await loms.pool.db.execute(sql`delete from outbox_refused`);
  await loms.pool.db.update(outboxLease).set({ until: "-infinity" });
  taken = [];
});

const take = (messages: readonly OutgoingMessage[]) => {
  taken.push(...messages);
  return Promise.resolve();
};

function openRelay(
  publish: (messages: readonly OutgoingMessage[]) => Promise<void> = take,
  onError: (error: unknown) => void = () => {},
  clock = systemClock,
  onRefused: (event: RefusedEvent) => void = () => {},
): Relay {
  const bus = {
    publish: (_topic: Topic, messages: readonly OutgoingMessage[]) => publish(messages),
  };
  const relayId = randomUUID();
  return new Relay({
    outbox: ORDER_OUTBOX,
    writes: replicatedWrites(loms.pool),
    marks: loms.pool,
    ...{ bus, topic, clock, relayId, onError, onRefused },
  });
}

function createOrders(count: number) {
  const orders = Array.from({ length: count }, () => newOrder([{ sku, count: 1 }]));
  return loms.writer.orderCreate(orders, testContext());
}

/** The seqs of each order, in the order in which the bus stored them. */
function seqsByOrder(messages: readonly OutgoingMessage[]): Map<string, number[]> {
  const seqs = new Map<string, number[]>();
  for (const { key, value } of messages) {
    const { seq } = orderEvent.parse(JSON.parse(value));
    seqs.set(key, [...(seqs.get(key) ?? []), seq]);
  }
  return seqs;
}

/** The events that a consumer shows, which drops those not above the last seq of their order. */
function shown(seqs: readonly number[]): number[] {
  const kept: number[] = [];
  for (const seq of seqs) if (seq > (kept.at(-1) ?? 0)) kept.push(seq);
  return kept;
}

test("step() publishes each event once, in the form of the contract", async () => {
  const order = newOrder([{ sku, count: 1 }]);
  const [outcome] = await loms.writer.orderCreate([order], testContext());
  if (outcome?.kind !== "created") throw new Error("not created");
  const relay = openRelay();
  expect(await relay.step()).toEqual({ kind: "published", events: 2, drained: true });
  expect(await relay.step()).toEqual({ kind: "drained" });
  const events = taken.map(({ value }) => orderEvent.parse(JSON.parse(value)));
  expect(events).toMatchObject([
    { order_id: outcome.orderId, user_id: 7n, seq: 1, status: "new" },
    { order_id: outcome.orderId, user_id: 7n, seq: 2, status: "awaiting payment" },
  ]);
  expect(taken[1]).toMatchObject({
    key: String(outcome.orderId),
    headers: { traceparent: order.traceparent, ce_id: `${outcome.orderId}-2` },
  });
  expect(Math.abs(Date.parse(events[0]?.at ?? "") - Date.now())).toBeLessThan(60_000);
});

test("step() continues where a full batch ended", async () => {
  await createOrders(300);
  const relay = openRelay();
  expect(await relay.step()).toEqual({ kind: "published", events: 500, drained: false });
  expect(await relay.step()).toEqual({ kind: "published", events: 100, drained: true });
  expect([...seqsByOrder(taken).values()]).toEqual(Array(300).fill([1, 2]));
});

test("the lease is kept while nothing waits, and released by close()", async () => {
  const relay = openRelay();
  expect(await relay.step()).toEqual({ kind: "drained" });
  const other = openRelay();
  expect(await other.step()).toEqual({ kind: "elsewhere" });
  await relay.close();
  expect(await other.step()).toEqual({ kind: "drained" });
});

test("a relay that dies between publish and mark causes repeats, and no loss", async () => {
  await createOrders(20);
  const dying = openRelay((messages) => {
    taken.push(...messages.slice(0, 15));
    return Promise.reject(new AppError("unavailable", "the bus is unavailable"));
  });
  await expect(dying.step()).rejects.toThrow("the bus is unavailable");
  await openRelay().step();
  expect(taken).toHaveLength(55);
  for (const seqs of seqsByOrder(taken).values()) expect(shown(seqs)).toEqual([1, 2]);
});

test("an event that the bus refuses permanently is recorded once", async () => {
  await createOrders(2);
  const refuse = async (messages: readonly OutgoingMessage[]) => {
    // All but the second, and the last is left to the next step.
    await take(messages.filter((_, index) => index !== 1 && index !== 3));
    throw new MessagesRefusedError([{ index: 1, reason: "too large" }], 3);
  };
  const dying = openRelay(refuse);
  // Dies between recording and marking: nothing is marked.
  const { pool } = loms;
  const send = pool.run;
  const run = vi.spyOn(pool, "run");
  const statements: string[] = [];
  run.mockImplementation((statement, ...rest) => {
    statements.push(statement.name);
    if (statement.name === "outbox_mark") {
      return Promise.reject(new AppError("unavailable", "dead"));
    }
    return send(statement, ...rest);
  });
  await expect(dying.step()).rejects.toThrow("dead");
  run.mockRestore();
  expect(statements.slice(0, 3)).toEqual(["outbox_read", "outbox_refuse", "outbox_mark"]);
  await pool.db.update(outboxLease).set({ until: "-infinity" });

  const refused: RefusedEvent[] = [];
  const relay = openRelay(refuse, () => {}, systemClock, (event) => refused.push(event));
  expect(await relay.step()).toEqual({ kind: "published", events: 3, drained: false });
  expect(refused).toMatchObject([{ seq: 2, reason: "too large" }]);
  const successor = openRelay();
  await relay.close();
  expect(await successor.step()).toMatchObject({ kind: "published", events: 1, drained: true });
  const backlog = await outboxBacklog(ORDER_OUTBOX, pool, testContext());
  expect(backlog).toMatchObject({ events: 0, refused: 1 });
});

test("a relay waits while another has the lease, and takes over when it expires", async () => {
  await createOrders(1);
  let release = () => {};
  let started = () => {};
  const publishing = new Promise<void>((resolve) => started = resolve);
  const publishSlowly = (messages: readonly OutgoingMessage[]) =>
    new Promise<void>((resolve) => {
      release = () => (taken.push(...messages), resolve());
      started();
    });
  const slow = openRelay(publishSlowly, () => {}, new VirtualClock());
  const step = slow.step();
  await publishing;
  expect(await openRelay().step()).toEqual({ kind: "elsewhere" });
  await loms.pool.db.update(outboxLease).set({ until: "-infinity" });
  const successor = openRelay();
  expect(await successor.step()).toMatchObject({ kind: "published", events: 2 });
  release();
  await step;
  expect([...seqsByOrder(taken).values()]).toEqual([[1, 2, 1, 2]]);
});

test("a publish that hangs is abandoned, and so is the lease", async () => {
  await createOrders(1);
  const clock = new VirtualClock();
  let started = () => {};
  const publishing = new Promise<void>((resolve) => started = resolve);
  const hanging = openRelay(
    () => (started(), new Promise<void>(() => {})),
    () => {},
    clock,
  );
  const step = expect(hanging.step()).rejects.toMatchObject({ code: "unavailable" });
  await publishing;
  await clock.advance(5_000);
  await step;
  expect(await openRelay().step()).toMatchObject({ kind: "published" });
});

test("two concurrent relays keep the order of each order and lose nothing", async () => {
  let calls = 0;
  // Every third publish fails after a part was stored.
  const shaky = async (messages: readonly OutgoingMessage[]) => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (++calls % 3 === 0) {
      taken.push(...messages.slice(0, messages.length / 2));
      throw new AppError("unavailable", "the bus is unavailable");
    }
    taken.push(...messages);
  };
  const relays = [openRelay(shaky), openRelay(shaky)];
  for (const relay of relays) relay.start();
  const expected = new Map<string, number>();
  for (let round = 0; round < 20; round++) {
    const outcomes = await createOrders(20);
    const changes = outcomes.flatMap((outcome) =>
      outcome.kind === "created" ? [{ orderId: outcome.orderId, traceparent: "t" }] : []
    );
    for (const relay of relays) relay.wake();
    await loms.writer.orderPay(changes.slice(0, 10), testContext());
    changes.forEach(({ orderId }, index) => expected.set(String(orderId), index < 10 ? 3 : 2));
    for (const relay of relays) relay.wake();
  }
  await expect.poll(
    async () => (await outboxBacklog(ORDER_OUTBOX, loms.pool, testContext())).events,
  ).toBe(0);
  await Promise.all(relays.map((relay) => relay.close()));
  const seqs = seqsByOrder(taken);
  expect(seqs.size).toBe(expected.size);
  for (const [orderId, last] of expected) {
    expect(shown(seqs.get(orderId) ?? [])).toEqual([1, 2, 3].slice(0, last));
  }
});

test("a woken relay publishes at once, and close() releases the lease", async () => {
  const clock = new VirtualClock();
  let published = () => {};
  const first = new Promise<void>((resolve) => published = resolve);
  const relay = openRelay((messages) => (published(), take(messages)), () => {}, clock);
  relay.start();
  await createOrders(1);
  // The clock does not move: only the wake can cause the step.
  relay.wake();
  await first;
  await relay.close();
  const [lease] = await loms.pool.db.select().from(outboxLease);
  expect(lease?.until).toBe("-infinity");
  expect(taken).toHaveLength(2);
});

test("outboxBacklog() returns the number of waiting events and the age of the oldest", async () => {
  expect(await outboxBacklog(ORDER_OUTBOX, loms.pool, testContext()))
    .toEqual({ events: 0, oldestAgeSeconds: 0, refused: 0 });
  await createOrders(2);
  await loms.pool.db.execute(sql`update outbox set at = at - interval '1 hour'`);
  const { events, oldestAgeSeconds } = await outboxBacklog(ORDER_OUTBOX, loms.pool, testContext());
  expect(events).toBe(4);
  expect(oldestAgeSeconds).toBeGreaterThanOrEqual(3_600);
});

test("cleanOutbox() deletes old published events, and keeps the history", async () => {
  const [outcome] = await createOrders(1);
  await openRelay().step();
  await createOrders(1);
  const options = { outbox: ORDER_OUTBOX, pool: loms.pool, clock: systemClock, onError: () => {} };
  expect(await cleanOutbox(options)).toBe(0);
  await loms.pool.db.execute(sql`update outbox set published_at = published_at - interval '1 day'`);
  expect(await cleanOutbox(options)).toBe(2);
  expect((await outboxBacklog(ORDER_OUTBOX, loms.pool, testContext())).events).toBe(2);
  if (outcome?.kind !== "created") throw new Error("not created");
  expect(await loms.eventsOf(outcome.orderId)).toEqual({
    history: ["1 new", "2 awaiting payment"],
    outbox: [],
  });
});
