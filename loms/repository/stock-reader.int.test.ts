import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { Pool } from "../../shared/postgres/pool.ts";
import { type PoolRole } from "../../shared/postgres/statement.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { ListedReplicas } from "./listed-replicas.ts";
import { ReadRouting } from "./read-routing.ts";
import { createStockReader } from "./stock-reader.ts";
import { openWriterFixture, testContext, type WriterFixture } from "./writer-fixture.ts";

let database: TestDatabase;
let loms: WriterFixture;
let routing: ReadRouting;
let reader: ReturnType<typeof createStockReader>;
const pools: Pool[] = [];
/** The servers that answered, in order. */
const answered: PoolRole[] = [];

/** On a clock that stands still no statement is too late, however busy the machine is. */
function openPool(url: string, role: PoolRole): Pool {
  const pool = new Pool({
    ...{ url, role, clock: new VirtualClock(), max: 2, applicationName: "test" },
    observe: ({ name, role: by }) => {
      if (name.startsWith("stock_")) answered.push(by);
    },
  });
  pools.push(pool);
  return pool;
}

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl);
  const primary = openPool(database.primaryUrl, "primary");
  const replicas = [{ name: "first", pool: openPool(database.replicaUrl, "replica") }];
  routing = new ReadRouting({
    ...{ primary, replicas, clock: systemClock, onHealth: () => {} },
    listed: new ListedReplicas({ primary, members: replicas, clock: systemClock }),
  });
  reader = createStockReader(routing);
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await loms.pool.close();
  await database.drop();
});

/** More than any of these lists has. */
const ROWS_MAX = 100;

/** The answers of `page` until one is shorter than two. */
async function pages<Row>(page: (last: Row | undefined) => Promise<readonly Row[]>) {
  const all: Row[] = [];
  while (all.length < ROWS_MAX) {
    const rows = await page(all.at(-1));
    all.push(...rows);
    if (rows.length < 2) return all;
  }
  throw new Error(`The pages have more than ${ROWS_MAX} rows`);
}

test("stockList() pages through every SKU, ascending", async () => {
  const found = await pages<{ readonly sku: number }>((last) =>
    reader.stockList(last?.sku ?? 0, 2, testContext())
  );
  expect(found).toHaveLength(21);
  expect(found[0]).toEqual({ sku: 1002, totalCount: 200n, reserved: 20n });
  expect(found).toEqual(found.toSorted((a, b) => a.sku - b.sku));
});

test("stockMovements() pages through the movements of a SKU, from its opening on", async () => {
  for (const count of [1n, 2n, 3n]) {
    await loms.stockWriter.stockChange({
      ...{ kind: "received", lines: [{ sku: 1002, count }] },
      ...{ reason: "delivery", reference: `note ${count}` },
    }, testContext());
  }
  const found = await pages<{ readonly id: bigint; readonly at: string }>((last) =>
    reader.stockMovements({ sku: 1002, after: last?.id ?? 0n, limit: 2 }, testContext())
  );
  expect(found).toMatchObject([
    { sku: 1002, kind: "opening", count: 200n, total_count: 200n, reference: "opening" },
    { kind: "received", count: 1n, total_count: 201n, reason: "delivery", reference: "note 1" },
    { count: 2n, total_count: 203n },
    { count: 3n, total_count: 206n },
  ]);
  expect(found[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test("an unknown SKU has no movements", async () => {
  expect(await reader.stockMovements({ sku: 5, after: 0n, limit: 10 }, testContext())).toEqual([]);
});

test("a healthy replica answers, or else the primary", async () => {
  answered.length = 0;
  await reader.stockList(0, 1, testContext());
  await expect.poll(async () => {
    await routing.replicas.step();
    return routing.replicas.healthy.length;
  }).toBe(1);
  await reader.stockList(0, 1, testContext());
  await reader.stockMovements({ sku: 1002, after: 0n, limit: 1 }, testContext());
  expect(answered).toEqual(["primary", "replica", "replica"]);
});
