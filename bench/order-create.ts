// Orders per second of the order writer on the embedded primary with its synchronous standby,
// against a bare transaction that updates one row, in the same run.
// Usage: node bench/order-create.ts
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { stocks } from "../drizzle/loms/schema.ts";
import { newOrder, openWriterFixture, testContext } from "../loms/repository/writer-fixture.ts";
import { defineStatement } from "../shared/postgres/statement.ts";
import { migrate } from "../shared/postgres/migrate.ts";
import { startPostgresPair } from "../stack/postgres/pair.ts";

const CASE_MS = 4_000;
const WARM_UP_MS = 1_000;
const CALLERS = 10;
const LIST_LENGTH = 200;
const LISTS_AT_ONCE = 2;
const SKUS = 1_000;
const LINES = 3;

const UPDATE_ONE_ROW = defineStatement({
  name: "update_one_row",
  kind: "update",
  text: "update stocks set reserved = reserved + 1 where sku = $1 returning reserved",
  parameters: ["int8"],
  columns: { reserved: "int8" },
});

const directory = await mkdtemp(join(tmpdir(), "marketplace-bench-"));
const pair = await startPostgresPair({ dataDirectory: directory, databases: ["loms"] });
try {
  const url = pair.primaryUrl("loms");
  const folder = fileURLToPath(new URL("../drizzle/loms/migrations", import.meta.url));
  await migrate({ url, folder });
  await run(url);
} finally {
  await pair.close();
  await rm(directory, { recursive: true, force: true });
}

async function run(url: string): Promise<void> {
  const { pool, writer } = openWriterFixture(url, { connections: CALLERS });
  const plenty = 10n ** 12n;
  await pool.db.insert(stocks).values(
    Array.from({ length: SKUS }, (_, sku) => ({ sku: sku + 1, totalCount: plenty, reserved: 0n })),
  ).onConflictDoUpdate({ target: stocks.sku, set: { totalCount: plenty, reserved: 0n } });

  const anySku = () => 1 + Math.floor(Math.random() * SKUS);
  const spread = () => {
    const skus = new Set(Array.from({ length: LINES }, anySku));
    return newOrder([...skus].toSorted((a, b) => a - b).map((sku) => ({ sku, count: 1 })));
  };
  const hot = () => newOrder([{ sku: 1, count: 1 }]);
  const list = (order: typeof hot) => Array.from({ length: LIST_LENGTH }, order);
  const create = (orders: ReturnType<typeof list>) => writer.orderCreate(orders, testContext());

  const reference = await measure(
    "one row updated, random",
    CALLERS,
    1,
    () => pool.run(UPDATE_ONE_ROW, [anySku()], testContext()),
  );
  const hotReference = await measure(
    "one row updated, the same",
    CALLERS,
    1,
    () => pool.run(UPDATE_ONE_ROW, [1], testContext()),
  );
  const cases = [
    await measure("orders one by one, 3 lines", CALLERS, 1, () => create([spread()])),
    await measure("orders one by one, hot SKU", CALLERS, 1, () => create([hot()])),
    await measure("lists of 200, 3 lines", LISTS_AT_ONCE, LIST_LENGTH, () => create(list(spread))),
    await measure("lists of 200, hot SKU", LISTS_AT_ONCE, LIST_LENGTH, () => create(list(hot))),
  ];
  for (const { name, perSecond } of cases) {
    const bare = name.includes("hot") ? hotReference : reference;
    process.stdout.write(`${name}: ${(perSecond / bare.perSecond).toFixed(1)}x the bare update\n`);
  }
  await pool.close();
}

async function measure(name: string, callers: number, each: number, call: () => Promise<unknown>) {
  const latencies: number[] = [];
  const until = async (end: number, record: boolean) => {
    while (performance.now() < end) {
      const startedAt = performance.now();
      await call();
      if (record) latencies.push(performance.now() - startedAt);
    }
  };
  const all = (ms: number, record: boolean) => {
    const end = performance.now() + ms;
    return Promise.all(Array.from({ length: callers }, () => until(end, record)));
  };
  await all(WARM_UP_MS, false);
  await all(CASE_MS, true);
  latencies.sort((a, b) => a - b);
  const perSecond = latencies.length * each / (CASE_MS / 1000);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]?.toFixed(1);
  process.stdout.write(
    `${name}: ${Math.round(perSecond)}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms\n`,
  );
  return { name, perSecond };
}
