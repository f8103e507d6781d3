// Grouped orders, payments and reads compared with one statement for each, without a transport, on
// the embedded primary with its synchronous standby. The variants alternate in one run.
// Usage: node bench/grouped/main.ts [--rounds N] [--callers N,N] [--only NAME,NAME]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { stocks } from "../../drizzle/loms/schema.ts";
import type { OrderWriter } from "../../loms/domain/deps.ts";
import {
  createGroupedReader,
  createOrderSetReader,
  type OrderSetReader,
} from "../../loms/repository/reader.ts";
import { createGroupedWriter, type OrderListWriter } from "../../loms/repository/writer.ts";
import { newOrder, openWriterFixture, testContext } from "../../loms/repository/writer-fixture.ts";
import { Pool } from "../../shared/postgres/pool.ts";
import { migrate } from "../../shared/postgres/migrate.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { startPostgresPair } from "../../stack/postgres/pair.ts";
import { alternate, type AlternateOptions } from "./alternate.ts";

/** As many as loms has for writes, and for each replica. */
const CONNECTIONS = 10;
const SKUS = 10_000;
const LINES = 3;
/** Orders to pay, more than a round pays, and how many of them one statement creates. */
const UNPAYED = 40_000;
const MADE_AT_ONCE = 250;
const BATCHES = [1, 2, 4];

type Case = Omit<AlternateOptions, "rounds" | "callers">;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    callers: { type: "string", default: "1,64,512" },
    only: { type: "string" },
  },
});

const directory = await mkdtemp(join(tmpdir(), "marketplace-bench-"));
const pair = await startPostgresPair({ dataDirectory: directory, databases: ["loms"] });
try {
  const url = pair.primaryUrl("loms");
  const folder = fileURLToPath(new URL("../../drizzle/loms/migrations", import.meta.url));
  await migrate({ url, folder });
  await run(url, pair.replicaUrls("loms")[0] ?? url);
} finally {
  await pair.close();
  await rm(directory, { recursive: true, force: true });
}

async function run(primaryUrl: string, replicaUrl: string): Promise<void> {
  const { pool, writer: lists } = openWriterFixture(primaryUrl, { connections: CONNECTIONS });
  const plenty = 10n ** 12n;
  await pool.db.insert(stocks).values(
    Array.from({ length: SKUS }, (_, sku) => ({ sku: sku + 1, totalCount: plenty, reserved: 0n })),
  ).onConflictDoUpdate({ target: stocks.sku, set: { totalCount: plenty, reserved: 0n } });
  const replica = new Pool({
    url: replicaUrl,
    role: "replica",
    max: CONNECTIONS,
    applicationName: "bench",
  });
  const cases = [
    ...writing(lists),
    ...await reading(lists, createOrderSetReader(replica)),
  ];
  const only = values.only?.split(",");
  for (const each of cases) {
    if (only && !only.includes(each.name)) continue;
    for (const callers of values.callers.split(",").map(Number)) {
      await alternate({ ...each, rounds: Number(values.rounds), callers });
    }
  }
  await Promise.all([pool.close(), replica.close()]);
}

function writing(lists: OrderListWriter): Case[] {
  const writers: [string, Pick<OrderWriter, "orderCreate" | "orderPay">][] = [
    ["one by one", {
      orderCreate: async (order, context) => only(await lists.orderCreate([order], context)),
      orderPay: async (change, context) => only(await lists.orderPay([change], context)),
    }],
    ...BATCHES.map((batchesMax) => {
      const writer = createGroupedWriter(lists, new Metrics("loms"), { batchesMax });
      return [`${batchesMax} at once`, writer] as [string, OrderWriter];
    }),
  ];
  const variants = (call: (writer: (typeof writers)[number][1]) => Promise<unknown>) =>
    writers.map(([name, writer]) => ({ name, call: () => call(writer) }));
  const unpayed: bigint[] = [];
  return [
    { name: "orders", variants: variants((each) => each.orderCreate(spread(), testContext())) },
    { name: "one hot SKU", variants: variants((each) => each.orderCreate(hot(), testContext())) },
    {
      name: "pays",
      async prepare() {
        while (unpayed.length < UNPAYED) unpayed.push(...await makeOrders(lists));
      },
      variants: variants((each) => {
        const orderId = unpayed.pop();
        if (orderId === undefined) throw new Error("all orders are payed");
        return each.orderPay({ orderId, traceparent: "t" }, testContext());
      }),
    },
  ];
}

async function reading(lists: OrderListWriter, reads: OrderSetReader): Promise<Case[]> {
  const orderIds = await makeOrders(lists);
  const anyOrder = () => orderIds[Math.floor(Math.random() * orderIds.length)] as bigint;
  const readers = BATCHES.map((batchesMax) => ({
    name: `${batchesMax} at once`,
    reader: createGroupedReader(reads, new Metrics("loms"), { batchesMax }),
  }));
  return [
    {
      name: "OrderInfo",
      variants: [
        { name: "one by one", call: () => reads.orderInfo([anyOrder()], testContext()) },
        ...readers.map(({ name, reader }) => (
          { name, call: () => reader.orderInfo(anyOrder(), testContext()) }
        )),
      ],
    },
    {
      name: "StocksInfo",
      variants: [
        { name: "one by one", call: () => reads.stocksInfo([anySku()], testContext()) },
        ...readers.map(({ name, reader }) => (
          { name, call: () => reader.stocksInfo(anySku(), testContext()) }
        )),
      ],
    },
  ];
}

function only<Outcome>([outcome]: readonly Outcome[]): Outcome {
  return outcome as Outcome;
}

function anySku(): number {
  return 1 + Math.floor(Math.random() * SKUS);
}

function spread() {
  const skus = new Set<number>();
  while (skus.size < LINES) skus.add(anySku());
  return newOrder([...skus].toSorted((a, b) => a - b).map((sku) => ({ sku, count: 1 })));
}

function hot() {
  return newOrder([{ sku: 1, count: 1 }]);
}

async function makeOrders(lists: OrderListWriter): Promise<bigint[]> {
  const orders = Array.from({ length: MADE_AT_ONCE }, spread);
  const outcomes = await lists.orderCreate(orders, testContext());
  return outcomes.flatMap((outcome) => outcome.kind === "created" ? [outcome.orderId] : []);
}
