// What a page of a buyer's orders costs on the replica among few orders and among many, ten orders
// a buyer, side by side in one run: for buyers whose rows are in memory, which is the work itself,
// and for any buyer, who also waits for rows that do not fit into the server's memory.
// Usage: node bench/order-list.ts [--orders 1000000] [--rounds 9]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { sql } from "drizzle-orm";
import { createOrderPages } from "../loms/repository/order-list.ts";
import { testContext } from "../loms/repository/writer-fixture.ts";
import { migrate } from "../shared/postgres/migrate.ts";
import { Pool } from "../shared/postgres/pool.ts";
import { startPostgresPair } from "../stack/postgres/pair.ts";

const FEW_ORDERS = 10_000;
const ORDERS_PER_BUYER = 10;
/** Of one insert; a statement of ten million rows would hold the replica back. */
const INSERT_MAX = 500_000;
const PAGES_PER_ROUND = 1_000;
/** Their rows fit into the server's memory. */
const KNOWN_BUYERS = 200;

const { values } = parseArgs({
  options: {
    orders: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "9" },
  },
});
const MANY_ORDERS = Number(values.orders);
const ROUNDS = Number(values.rounds);

const directory = await mkdtemp(join(tmpdir(), "marketplace-bench-"));
const pair = await startPostgresPair({
  dataDirectory: directory,
  databases: ["few", "many"],
  durable: false,
});
const pools: Pool[] = [];
try {
  const few = await openShop("few", FEW_ORDERS);
  const many = await openShop("many", MANY_ORDERS);
  for (const buyers of ["known", "any"] as const) {
    const rounds: { few: number; many: number }[] = [];
    // The first one warms both up.
    for (let round = 0; round <= ROUNDS; round++) {
      const measured = { few: await few(buyers), many: await many(buyers) };
      if (round > 0) rounds.push(measured);
    }
    const medians = [rounds.map((each) => each.few), rounds.map((each) => each.many)].map(median);
    const ratio = median(rounds.map((each) => each.many / each.few));
    print(
      `a page of ${buyers} buyers: ${medians[0]} ms among ${FEW_ORDERS} orders, ${medians[1]} ms ` +
        `among ${MANY_ORDERS}, ratio ${ratio}`,
    );
  }
} finally {
  await Promise.all(pools.map((pool) => pool.close()));
  await pair.close();
  await rm(directory, { recursive: true, force: true });
}

/** Measures the median of a page there, in ms. */
type Measure = (buyers: "known" | "any") => Promise<number>;

async function openShop(name: string, orders: number): Promise<Measure> {
  const folder = fileURLToPath(new URL("../drizzle/loms/migrations", import.meta.url));
  await migrate({ url: pair.primaryUrl(name), folder });
  const primary = openPool(pair.primaryUrl(name), "primary");
  const buyers = orders / ORDERS_PER_BUYER;
  const run = (text: string) => primary.db.execute(sql.raw(text));
  for (let from = 1; from <= orders; from += INSERT_MAX) {
    const to = Math.min(from + INSERT_MAX - 1, orders);
    await run(`with placed as (
        insert into orders (order_id, user_id, status, seq, changed_at, created_at)
        select n, 1 + n % ${buyers}, 'payed', 3, now(), now()
        from generate_series(${from}, ${to}) n returning order_id
      )
      insert into order_items (order_id, sku, count, price)
      select order_id, line, 1, 100 from placed cross join generate_series(1, 2) line`);
  }
  await run("vacuum analyze orders");
  await run("vacuum analyze order_items");
  const replica = openPool(pair.replicaUrls(name)[0] ?? "", "replica");
  const reads = createOrderPages({ read: (send) => send(replica) });
  const page = async (among: number) => {
    // Known ones are spread over the table, as any are.
    const userId = BigInt(1 + Math.floor(Math.random() * among) * Math.floor(buyers / among));
    const startedAt = performance.now();
    const { orders } = await reads.orderList(
      { userId, statuses: [], pageSize: 20, before: undefined },
      testContext(),
    );
    if (orders.length !== ORDERS_PER_BUYER) throw new Error(`${orders.length} orders`);
    return performance.now() - startedAt;
  };
  return async (chosen) => {
    const among = chosen === "known" ? KNOWN_BUYERS : buyers;
    const times: number[] = [];
    for (let count = 0; count < PAGES_PER_ROUND; count++) times.push(await page(among));
    return median(times);
  };
}

function openPool(url: string, role: "primary" | "replica"): Pool {
  const pool = new Pool({ url, role, max: 1, applicationName: "bench" });
  pools.push(pool);
  return pool;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return Number((sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(3));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
