import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { orderEvents, orders } from "../../drizzle/loms/schema.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import type { OrderCreateOutcome } from "../domain/deps.ts";
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

function orderIdOf(outcome: OrderCreateOutcome | undefined): bigint {
  if (!outcome) throw new Error("no outcome");
  return outcome.kind === "short" ? outcome.shortage.orderId : outcome.orderId;
}

function createAtOnce(sku: number, orderCount: number) {
  return loms.writer.orderCreate(
    Array.from({ length: orderCount }, () => newOrder([{ sku, count: 1 }])),
    testContext(),
  );
}

test("orderCreate() reserves every line and writes both events", async () => {
  const [first, second] = [await loms.addStock(10, 3), await loms.addStock(5)];
  const [outcome] = await loms.create([{ sku: first, count: 7 }, { sku: second, count: 2 }]);
  expect(outcome).toEqual({ kind: "created", orderId: expect.any(BigInt) });
  expect(await loms.stockOf(first)).toEqual({ totalCount: 10, reserved: 10 });
  expect(await loms.stockOf(second)).toEqual({ totalCount: 5, reserved: 2 });
  const path = ["1 new", "2 awaiting payment"];
  expect(await loms.eventsOf(orderIdOf(outcome))).toEqual({ history: path, outbox: path });
});

test("orderCreate() reserves nothing if one SKU is short or unknown", async () => {
  const plenty = await loms.addStock(10);
  const short = await loms.addStock(5, 3);
  const unknown = 4_294_967_295;
  const [outcome] = await loms.create([
    { sku: plenty, count: 1 },
    { sku: short, count: 3 },
    { sku: unknown, count: 2 },
  ]);
  const orderId = orderIdOf(outcome);
  expect(outcome).toEqual({
    kind: "short",
    shortage: {
      orderId,
      skus: [
        { sku: short, requested: 3, available: 2 },
        { sku: unknown, requested: 2, available: 0 },
      ],
      skusTotal: 2,
    },
  });
  expect(await loms.stockOf(plenty)).toEqual({ totalCount: 10, reserved: 0 });
  expect(await loms.stockOf(short)).toEqual({ totalCount: 5, reserved: 3 });
  const path = ["1 new", "2 failed"];
  expect(await loms.eventsOf(orderId)).toEqual({ history: path, outbox: path });
});

test("orderCreate() reports 0 available if more is reserved than in stock", async () => {
  const [outcome] = await loms.create([{ sku: 139818428, count: 1 }]);
  expect(outcome).toMatchObject({
    shortage: { skus: [{ sku: 139818428, requested: 1, available: 0 }] },
  });
});

test("orderCreate() names at most 20 short SKUs, and returns their number", async () => {
  const items = Array.from({ length: 1000 }, (_, index) => ({ sku: index + 10_000, count: 1 }));
  const [outcome] = await loms.create(items);
  expect(outcome).toMatchObject({ kind: "short", shortage: { skusTotal: 1000 } });
  if (outcome?.kind === "short") expect(outcome.shortage.skus).toHaveLength(20);
});

test("orderCreate() admits the orders of a list one by one, each as a whole", async () => {
  const [a, b] = [await loms.addStock(3), await loms.addStock(1)];
  const outcomes = await loms.writer.orderCreate([
    newOrder([{ sku: a, count: 2 }]),
    newOrder([{ sku: a, count: 2 }]),
    newOrder([{ sku: a, count: 1 }, { sku: b, count: 2 }]),
    newOrder([{ sku: a, count: 1 }, { sku: b, count: 1 }]),
  ], testContext());
  expect(outcomes.map(({ kind }) => kind)).toEqual(["created", "short", "short", "created"]);
  expect(outcomes[1]).toMatchObject({ shortage: { skus: [{ requested: 2, available: 1 }] } });
  expect(await loms.stockOf(a)).toEqual({ totalCount: 3, reserved: 3 });
});

test("orderCreate() sells exactly the stock to 200 concurrent callers", async () => {
  const sku = await loms.addStock(150, 100);
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, () => loms.create([{ sku, count: 1 }])),
  );
  const kinds = outcomes.map(([outcome]) => outcome?.kind);
  expect(kinds.filter((kind) => kind === "created")).toHaveLength(50);
  expect(kinds.filter((kind) => kind === "short")).toHaveLength(150);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 150, reserved: 150 });
});

test("orderCreate() sells exactly the stock to one list of 200", async () => {
  const sku = await loms.addStock(50);
  const outcomes = await createAtOnce(sku, 200);
  expect(outcomes.map(({ kind }) => kind)).toEqual([
    ...Array<string>(50).fill("created"),
    ...Array<string>(150).fill("short"),
  ]);
  expect(new Set(outcomes.map(orderIdOf)).size).toBe(200);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 50, reserved: 50 });
});

test("orderCreate() returns the first outcome again for a repeated key", async () => {
  const sku = await loms.addStock(3);
  const created = await loms.create([{ sku, count: 2 }], "again-1");
  const short = await loms.create([{ sku, count: 2 }], "again-2");
  await loms.writer.orderCancel(
    [{ orderId: orderIdOf(created[0]), traceparent: "t" }],
    testContext(),
  );
  expect(await loms.create([{ sku, count: 2 }], "again-1")).toEqual(created);
  // Now there would be enough, but the answer is still the first one.
  expect(await loms.create([{ sku, count: 2 }], "again-2")).toEqual(short);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 3, reserved: 0 });
});

test("orderCreate() refuses other items under a key; keys belong to a user", async () => {
  const sku = await loms.addStock(10);
  const [first] = await loms.create([{ sku, count: 2 }], "mine");
  expect(await loms.create([{ sku, count: 3 }], "mine")).toEqual([
    { kind: "key_reused", orderId: orderIdOf(first) },
  ]);
  expect(await loms.create([{ sku, count: 2 }, { sku: sku + 1, count: 1 }], "mine"))
    .toMatchObject([{ kind: "key_reused" }]);
  const stranger = { ...newOrder([{ sku, count: 3 }], "mine"), userId: 8n };
  expect(await loms.writer.orderCreate([stranger], testContext()))
    .toMatchObject([{ kind: "created" }]);
});

test("orderCreate() compares prices under a key, also absent ones", async () => {
  const [a, b] = [await loms.addStock(10), await loms.addStock(10)];
  const priced = [{ sku: a, count: 2, price: 0 }, { sku: b, count: 1 }];
  const created = await loms.create(priced, "priced");
  expect(await loms.create(priced, "priced")).toEqual(created);
  const others = [
    [{ sku: a, count: 2 }, { sku: b, count: 1 }],
    [{ sku: a, count: 2, price: 1 }, { sku: b, count: 1 }],
    [{ sku: a, count: 2, price: 0 }, { sku: b, count: 1, price: 0 }],
  ];
  for (const items of others) {
    expect(await loms.create(items, "priced")).toMatchObject([{ kind: "key_reused" }]);
  }
});

test("orderCreate() distinguishes quotes, commas and backslashes in keys", async () => {
  const sku = await loms.addStock(10);
  const keys = ['a"b', "a\\b", "a,b", "{a}", "null", " ", '"', "\\"];
  const orders = keys.map((key) => newOrder([{ sku, count: 1 }], key));
  const outcomes = await loms.writer.orderCreate(orders, testContext());
  expect(new Set(outcomes.map(orderIdOf)).size).toBe(keys.length);
  expect(await loms.writer.orderCreate(orders, testContext())).toEqual(outcomes);
});

test("orderCreate() creates one order for a key twice in one list", async () => {
  const sku = await loms.addStock(10);
  const same = newOrder([{ sku, count: 1 }], "twice");
  const outcomes = await loms.writer.orderCreate(
    [same, newOrder([{ sku, count: 1 }]), same, newOrder([{ sku, count: 2 }], "twice")],
    testContext(),
  );
  expect(outcomes[2]).toEqual(outcomes[0]);
  expect(outcomes[3]).toEqual({ kind: "key_reused", orderId: orderIdOf(outcomes[0]) });
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 10, reserved: 2 });
});

test("orderCreate() creates one order for one key from 50 concurrent callers", async () => {
  const sku = await loms.addStock(100);
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => loms.create([{ sku, count: 1 }], "together")),
  );
  expect(new Set(answers.map(([outcome]) => orderIdOf(outcome))).size).toBe(1);
  expect(await loms.stockOf(sku)).toEqual({ totalCount: 100, reserved: 1 });
});

test("orderCreate() keeps every digit of an int64 user id, and its trace context", async () => {
  const sku = await loms.addStock(1);
  const userId = 2n ** 63n - 1n;
  const order = { ...newOrder([{ sku, count: 1 }]), userId };
  const orderId = orderIdOf((await loms.writer.orderCreate([order], testContext()))[0]);
  const { db } = loms.pool;
  const [stored] = await db.select().from(orders).where(eq(orders.orderId, orderId));
  expect(stored?.userId).toBe(userId);
  const events = await db.select().from(orderEvents).where(eq(orderEvents.orderId, orderId));
  expect(events.map(({ traceparent }) => traceparent)).toEqual([
    order.traceparent,
    order.traceparent,
  ]);
});

test("orderCreate() returns an empty list for an empty list", async () => {
  expect(await loms.writer.orderCreate([], testContext())).toEqual([]);
});
