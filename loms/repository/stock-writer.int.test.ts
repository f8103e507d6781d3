import { asc, eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stockMovements, stockOutbox, stocks } from "../../drizzle/loms/schema.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import type { StockChange } from "../domain/stock-deps.ts";
import { openWriterFixture, testContext, type WriterFixture } from "./writer-fixture.ts";

const INT64_MAX = 2n ** 63n - 1n;

let database: TestDatabase;
let loms: WriterFixture;
let nextSku = 3_000_000_000;
let nextReference = 1;

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl);
});

afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});

/** A SKU without a stock row. */
const newSku = () => nextSku++;

function change(
  kind: StockChange["kind"],
  counts: Readonly<Record<number, number | bigint>>,
  rest: Partial<StockChange> = {},
): StockChange {
  const lines = Object.entries(counts).map(([sku, count]) => (
    { sku: Number(sku), count: BigInt(count) }
  ));
  return { kind, lines, reason: "test", reference: `note ${nextReference++}`, ...rest };
}

const send = (stockChange: StockChange) => loms.stockWriter.stockChange(stockChange, testContext());

const received = (sku: number, count: number | bigint) =>
  send(change("received", { [sku]: count }));
const counted = (sku: number, count: number | bigint) => send(change("counted", { [sku]: count }));

async function movementsOf(sku: number): Promise<string[]> {
  const rows = await loms.pool.db.select().from(stockMovements)
    .where(eq(stockMovements.sku, sku)).orderBy(asc(stockMovements.id));
  return rows.map(({ kind, count, totalCount }) => `${kind} ${count} to ${totalCount}`);
}

async function eventsOf(sku: number): Promise<string[]> {
  const rows = await loms.pool.db.select().from(stockOutbox)
    .where(eq(stockOutbox.sku, sku)).orderBy(asc(stockOutbox.id));
  return rows.map(({ kind, available, totalCount }) => `${kind} ${available} of ${totalCount}`);
}

test("a received SKU without a stock row gets one, with its movement and events", async () => {
  const sku = newSku();
  expect(await received(sku, 5)).toEqual({
    kind: "changed",
    lines: [{ sku, totalCount: 5n, reserved: 0n }],
  });
  expect(await movementsOf(sku)).toEqual(["received 5 to 5"]);
  expect(await eventsOf(sku)).toEqual(["received 5 of 5", "back_in_stock 5 of 5"]);
});

test("a count sets the total and records the difference, also none", async () => {
  const sku = await loms.addStock(10, 3);
  await counted(sku, 7);
  await counted(sku, 7);
  expect(await movementsOf(sku)).toEqual(["opening 10 to 10", "counted -3 to 7", "counted 0 to 7"]);
  expect(await eventsOf(sku)).toEqual(["counted 4 of 7", "counted 4 of 7"]);
});

test("the answer is ascending by SKU, whatever the order of the lines", async () => {
  const [low, high] = [newSku(), newSku()];
  const lines = [{ sku: high, count: 2n }, { sku: low, count: 1n }];
  expect(await send(change("received", {}, { lines }))).toEqual({
    kind: "changed",
    lines: [
      { sku: low, totalCount: 1n, reserved: 0n },
      { sku: high, totalCount: 2n, reserved: 0n },
    ],
  });
});

test("a stock event that crosses zero is followed by an availability event", async () => {
  const sku = await loms.addStock(4, 1);
  await received(sku, -3);
  await received(sku, 1);
  expect(await eventsOf(sku)).toEqual([
    "received 0 of 1",
    "sold_out 0 of 1",
    "received 1 of 2",
    "back_in_stock 1 of 2",
  ]);
});

test("a repeated reference gets the first answer again and changes nothing", async () => {
  const [sku, other] = [newSku(), newSku()];
  const first = change("received", { [sku]: 5, [other]: 1 });
  const answer = await send(first);
  await received(sku, 100);
  expect(await send({ ...first, lines: first.lines.toReversed() })).toEqual(answer);
  expect(await movementsOf(sku)).toEqual(["received 5 to 5", "received 100 to 105"]);
});

test.each<[string, Partial<StockChange>]>([
  ["kind", { kind: "counted" }],
  ["reason", { reason: "another" }],
  ["count", { lines: [{ sku: 1002, count: 8n }] }],
  ["SKU", { lines: [{ sku: 1003, count: 7n }] }],
])("a reference used with another %s is refused", async (_what, other) => {
  const first = change("received", {}, { lines: [{ sku: 1002, count: 7n }] });
  await send(first);
  expect(await send({ ...first, ...other })).toEqual({ kind: "reference_reused" });
});

test("concurrent callers with one reference get the same answer", async () => {
  const sku = newSku();
  const same = change("received", { [sku]: 5 });
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => send(same)));
  const lines = [{ sku, totalCount: 5n, reserved: 0n }];
  expect(outcomes).toEqual(outcomes.map(() => ({ kind: "changed", lines })));
  expect(await movementsOf(sku)).toEqual(["received 5 to 5"]);
});

test("a total below the reserved units is refused, and the other lines with it", async () => {
  const [held, missing] = [await loms.addStock(10, 4), newSku()];
  const refused = change("received", { [held]: -7, [missing]: 1 });
  expect(await send(refused)).toEqual({
    kind: "refused",
    lines: [{ rule: "below_reserved", sku: held, totalCount: 3n, reserved: 4n }],
  });
  expect(await loms.stockOf(held)).toEqual({ totalCount: 10, reserved: 4 });
  expect(await loms.pool.db.select().from(stocks).where(eq(stocks.sku, missing))).toEqual([]);
  expect([await movementsOf(missing), await eventsOf(held)]).toEqual([[], []]);
  // A refusal does not use the reference up.
  expect(await send({ ...refused, lines: [{ sku: held, count: -6n }] })).toMatchObject({
    kind: "changed",
  });
});

test("a total below zero of a SKU without a stock row is refused", async () => {
  const sku = newSku();
  expect(await received(sku, -1)).toEqual({
    kind: "refused",
    lines: [{ rule: "below_reserved", sku, totalCount: -1n, reserved: 0n }],
  });
});

test("the total of an over-reserved SKU may only rise or stay", async () => {
  const sku = await loms.addStock(10, 20);
  expect(await counted(sku, 9)).toMatchObject({ kind: "refused" });
  expect(await counted(sku, 10)).toMatchObject({ kind: "changed" });
  expect(await received(sku, 1)).toMatchObject({ kind: "changed" });
  expect(await counted(sku, 10)).toMatchObject({ kind: "refused" });
});

test("a total above int64 is refused, and int64 itself is kept", async () => {
  const sku = newSku();
  expect(await counted(sku, INT64_MAX)).toEqual({
    kind: "changed",
    lines: [{ sku, totalCount: INT64_MAX, reserved: 0n }],
  });
  expect(await received(sku, 1)).toEqual({
    kind: "refused",
    lines: [{ rule: "above_maximum", sku, totalCount: INT64_MAX, reserved: 0n }],
  });
});

test("reasons and references keep every character", async () => {
  const sku = newSku();
  const text = `"Lieferung" \\ № 7 ${"🚚".repeat(200)}`;
  await send(change("received", { [sku]: 1 }, { reason: text, reference: text }));
  const [row] = await loms.pool.db.select().from(stockMovements)
    .where(eq(stockMovements.sku, sku));
  expect(row).toMatchObject({ reason: text, reference: text });
});
