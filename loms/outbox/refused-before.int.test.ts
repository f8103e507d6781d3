import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../shared/async/request-context.ts";
import {
  type Bus,
  MessagesRefusedError,
  type OutgoingMessage,
  REFUSED_BEFORE,
} from "../../shared/bus/bus.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import {
  newOrder,
  openWriterFixture,
  replicatedWrites,
  testContext,
  type WriterFixture,
} from "../repository/writer-fixture.ts";
import { ORDER_OUTBOX } from "./order-outbox.ts";
import { Relay } from "./relay.ts";

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

function openRelay(publish: Bus["publish"]): Relay {
  const topic = { name: "events", groups: ["group"], deadLetterQueue: "dead" };
  return new Relay({
    outbox: ORDER_OUTBOX,
    writes: replicatedWrites(loms.pool),
    marks: loms.pool,
    ...{ bus: { publish }, topic, clock: systemClock, relayId: randomUUID(), onError: () => {} },
  });
}

test("an event names the refused ones before it, also if another relay publishes it", async () => {
  const sku = await loms.addStock(10);
  const [outcome] = await loms.writer.orderCreate([newOrder([{ sku, count: 1 }])], testContext());
  if (outcome?.kind !== "created") throw new Error("not created");
  const { orderId } = outcome;
  const taken: OutgoingMessage[] = [];
  const first = openRelay((_, messages) => {
    taken.push(...messages.slice(1));
    return Promise.reject(new MessagesRefusedError([{ index: 0, reason: "too large" }], 2));
  });
  await first.step();
  await first.close();
  await loms.writer.orderPay([{ orderId, traceparent: "t" }], testContext());
  const second = openRelay((_, messages) => {
    taken.push(...messages);
    return Promise.resolve();
  });
  await second.step();
  expect(taken.map(({ headers }) => [headers["ce_id"], headers[REFUSED_BEFORE]])).toEqual([
    // Within one call the bus adds the header.
    [`${orderId}-2`, undefined],
    [`${orderId}-3`, `${orderId}-1`],
  ]);
});
