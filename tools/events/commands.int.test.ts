import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cleanOutbox } from "../../loms/outbox/clean.ts";
import { ORDER_OUTBOX } from "../../loms/outbox/order-outbox.ts";
import { Relay } from "../../loms/outbox/relay.ts";
import {
  newOrder,
  openWriterFixture,
  replicatedWrites,
  testContext,
  type WriterFixture,
} from "../../loms/repository/writer-fixture.ts";
import { NOTIFIER_GROUP, ORDER_EVENTS } from "../../proto/order-event.ts";
import { systemClock } from "../../shared/async/request-context.ts";
import { type Bus, MessagesRefusedError, UnreadableMessageError } from "../../shared/bus/bus.ts";
import { PostgresBus } from "../../shared/bus/postgres.ts";
import { eachMessage } from "../../shared/bus/test/each-message.ts";
import { Inbox, message } from "../../shared/bus/test/inbox.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import {
  listDeadLetters,
  listRefused,
  replayDeadLetterQueue,
  replayEvents,
  replayRefused,
  showOrder,
} from "./commands.ts";

const silent = createLogger({ service: "stack", level: "error", write: () => {} });

let databases: TestDatabase[];
let loms: WriterFixture;
let bus: Bus;

beforeEach(async () => {
  databases = await Promise.all([testDatabase("loms"), testDatabase("bus")]);
  loms = openWriterFixture(databases[0]?.primaryUrl ?? "");
  bus = new PostgresBus({ url: databases[1]?.primaryUrl ?? "", log: silent });
});
afterEach(async () => {
  await Promise.all([loms.pool.close(), bus.close()]);
  await Promise.all(databases.map((database) => database.drop()));
});

async function createOrder(): Promise<bigint> {
  const sku = await loms.addStock(10);
  const order = newOrder([{ sku, count: 1 }]);
  const [outcome] = await loms.writer.orderCreate([order], testContext());
  if (outcome?.kind !== "created") throw new Error("not created");
  return outcome.orderId;
}

function openRelay(publish: Bus["publish"]): Relay {
  return new Relay({
    outbox: ORDER_OUTBOX,
    writes: replicatedWrites(loms.pool),
    marks: loms.pool,
    ...{ bus: { publish }, topic: ORDER_EVENTS, clock: systemClock },
    ...{ relayId: randomUUID(), onError: () => {} },
  });
}

async function publishOnce(publish: Bus["publish"]): Promise<void> {
  const relay = openRelay(publish);
  await relay.step();
  await relay.close();
}

/** What follows an event's status in its line: where it is on its way. */
async function statesOf(orderId: bigint): Promise<string[]> {
  const lines = await showOrder(loms, orderId) ?? [];
  return lines.slice(1).map((line) => line.replace(/^ +(\d)  .* trace [0-9a-f]{32}  /, "$1 "));
}

test("showOrder() prints an order's history, also after the outbox is cleaned", async () => {
  const orderId = await createOrder();
  expect(await statesOf(orderId)).toEqual(["1 waiting", "2 waiting"]);
  await openRelay(() => Promise.resolve()).step();
  expect(await statesOf(orderId)).toEqual(["1 published", "2 published"]);
  await loms.pool.db.execute(sql`update outbox set published_at = now() - interval '1 day'`);
  await cleanOutbox({
    outbox: ORDER_OUTBOX,
    pool: loms.pool,
    clock: systemClock,
    onError: () => {},
  });
  const lines = await showOrder(loms, orderId);
  expect(lines?.[0]).toBe(`order ${orderId} of user 7`);
  expect(lines?.[2]).toMatch(
    /^ {2}2 {2}awaiting payment {2}20\d\d-.*Z {2}trace [0-9a-f]{32} {2}published$/,
  );
});

test("showOrder() prints why an order ended", async () => {
  const orderId = await createOrder();
  await loms.writer.orderCancel([{ orderId, traceparent: "t" }], testContext());
  expect((await showOrder(loms, orderId))?.[3]).toMatch(/^ {2}3 {2}cancelled, buyer {2}20\d\d-/);
});

test("showOrder() returns undefined for an unknown order", async () => {
  expect(await showOrder(loms, 9223372036854775807n)).toBeUndefined();
});

test("a refused event is listed, and put back once", async () => {
  const orderId = await createOrder();
  const refuse = () => Promise.reject(new MessagesRefusedError([{ index: 1, reason: "large" }], 2));
  await publishOnce(refuse);
  expect(await statesOf(orderId)).toEqual(["1 published", "2 refused: large"]);
  const listed = await listRefused(loms, 10);
  expect(listed[0]).toBe("1 refused event");
  expect(listed[1]).toContain(`order ${orderId}, 2  20`);
  // Its row in the outbox may be gone by then.
  await loms.pool.db.execute(sql`delete from outbox`);

  expect(await replayRefused(loms, 10)).toEqual(["put back 1 refused event"]);
  expect(await replayRefused(loms, 10)).toEqual(["put back 0 refused events"]);
  expect(await statesOf(orderId)).toEqual(["1 published", "2 waiting"]);
  const taken: string[] = [];
  await openRelay((_, messages) => {
    taken.push(...messages.map(({ headers }) => String(headers["ce_id"])));
    return Promise.resolve();
  }).step();
  expect(taken).toEqual([`${orderId}-2`]);
});

test("events since a time are put back from the history, those of one time together", async () => {
  const orders = [await createOrder(), await createOrder(), await createOrder()];
  const taken: string[] = [];
  const relay = openRelay((_, messages) => {
    taken.push(...messages.map(({ headers }) => String(headers["ce_id"])));
    return Promise.resolve();
  });
  await relay.step();
  await loms.pool.db.execute(sql`delete from outbox`);
  const [before, from, next] = ["00:00:59.999999", "00:01:00.000001", "00:02:00.5"]
    .map((time) => `2026-01-02T${time}Z`);
  for (const [index, at] of [before, from, next].entries()) {
    await loms.pool.db.execute(
      sql`update order_events set at = ${at}::timestamptz where order_id = ${orders[index]}`,
    );
  }
  // A waiting event is published anyway.
  const [, second, third] = orders;
  await loms.pool.db.execute(
    sql`insert into outbox (order_id, user_id, seq, status, at, traceparent)
    select order_id, 7, seq, status, at, traceparent from order_events
    where order_id = ${third} and seq = 2`,
  );
  taken.length = 0;

  const answer = await replayEvents(loms, "2026-01-02T00:01:00Z", 1);
  expect(answer).toEqual([
    "put back 2 events of 2026-01-02T00:01:00Z and later",
    "notifier drops those that are not newer than the last shown",
    "there are more: replay --since 2026-01-02T00:02:00.500000Z",
  ]);
  expect((await replayEvents(loms, "2026-01-02T00:02:00.500000Z", 1))[0])
    .toBe("put back 1 event of 2026-01-02T00:02:00.500000Z and later");
  await relay.step();
  expect(taken).toEqual([`${third}-2`, `${second}-1`, `${second}-2`, `${third}-1`]);
});

test("refused events are left to replay-refused", async () => {
  const orderId = await createOrder();
  const refuse = () => Promise.reject(new MessagesRefusedError([{ index: 1, reason: "large" }], 2));
  await publishOnce(refuse);
  await replayEvents(loms, "2026-01-01T00:00:00Z", 10);
  expect(await statesOf(orderId)).toEqual(["1 waiting", "2 refused: large"]);
});

test("dead-lettered events are listed, and at most --max are put back", async () => {
  let readable = false;
  const inbox = new Inbox();
  await bus.subscribe({
    topic: ORDER_EVENTS,
    group: NOTIFIER_GROUP,
    handle: eachMessage((incoming) =>
      readable ? inbox.take(incoming) : Promise.reject(new UnreadableMessageError("not yet"))
    ),
  });
  await bus.publish(ORDER_EVENTS, ["0", "1", "2"].map((value) => message("7", value)));
  await expect.poll(async () => (await listDeadLetters({ bus }, 10))[0])
    .toBe("3 dead-lettered events of loms.order-events.dlq");
  const listed = await listDeadLetters({ bus }, 2);
  expect(listed[0]).toMatch(/^the first 2 dead-lettered events/);
  expect(listed[1]).toMatch(/^ {2}order 7 {2}loms\.order-events\/notifier\/.* {2}not yet\n {4}0$/);

  readable = true;
  expect(await replayDeadLetterQueue({ bus }, 2)).toEqual([
    "put back 2 dead-lettered events of loms.order-events.dlq",
    "notifier drops those that are not newer than the last shown",
    "there are more: once again puts them back, too",
  ]);
  await replayDeadLetterQueue({ bus }, 10);
  expect(await replayDeadLetterQueue({ bus }, 10))
    .toEqual(["put back 0 dead-lettered events of loms.order-events.dlq"]);
  await inbox.holds(3);
  expect(inbox.values()).toEqual(["0", "1", "2"]);
});
