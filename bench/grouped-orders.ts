// Orders, pays and lone orders of the grouped writer against one transaction for each, on the
// embedded primary with its synchronous standby, in the same run. The ways take turns.
// Usage: node bench/grouped-orders.ts [--rounds N] [--callers N,N]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { stocks } from "../drizzle/loms/schema.ts";
import type { NewOrder, OrderWriter } from "../loms/domain/deps.ts";
import { createGroupedWriter } from "../loms/repository/grouped-writer.ts";
import type { OrderListWriter } from "../loms/repository/writer.ts";
import { newOrder, openWriterFixture, testContext } from "../loms/repository/writer-fixture.ts";
import { migrate } from "../shared/postgres/migrate.ts";
import { Metrics } from "../shared/telemetry/metrics.ts";
import { startPostgresPair } from "../stack/postgres/pair.ts";

const ROUND_MS = 1_500;
const WARM_UP_MS = 300;
/** As loms has for writes. */
const CONNECTIONS = 10;
const SKUS = 10_000;
const LINES = 3;
/** Orders to be payed, more than a round pays, and how many one statement makes. */
const UNPAYED = 40_000;
const MADE_AT_ONCE = 250;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    callers: { type: "string", default: "1,64,512" },
  },
});

type Write = Pick<OrderWriter, "orderCreate" | "orderPay">;

/** What the callers of a case do; each call resolves with how many orders it wrote. */
interface Case {
  readonly name: string;
  prepare?(lists: OrderListWriter): Promise<void>;
  call(write: Write): Promise<unknown>;
}

interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

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
  const { pool, writer: lists } = openWriterFixture(url, { connections: CONNECTIONS });
  const plenty = 10n ** 12n;
  await pool.db.insert(stocks).values(
    Array.from({ length: SKUS }, (_, sku) => ({ sku: sku + 1, totalCount: plenty, reserved: 0n })),
  ).onConflictDoUpdate({ target: stocks.sku, set: { totalCount: plenty, reserved: 0n } });
  const ways = {
    "one by one": oneByOne(lists),
    "grouped, 1 under way": createGroupedWriter(lists, new Metrics("loms"), { batchesMax: 1 }),
    "grouped, 2 under way": createGroupedWriter(lists, new Metrics("loms"), { batchesMax: 2 }),
  };
  for (const each of [creating("orders", spread), creating("one hot SKU", hot), paying()]) {
    for (const callers of values.callers.split(",").map(Number)) {
      await compare(each, callers, ways, lists);
    }
  }
  await pool.close();
}

function oneByOne(lists: OrderListWriter): Write {
  return {
    orderCreate: async (order, context) => only(await lists.orderCreate([order], context)),
    orderPay: async (change, context) => only(await lists.orderPay([change], context)),
  };
}

function only<Outcome>([outcome]: readonly Outcome[]): Outcome {
  return outcome as Outcome;
}

function creating(name: string, make: () => NewOrder): Case {
  return { name, call: (write) => write.orderCreate(make(), testContext()) };
}

function spread(): NewOrder {
  const skus = new Set<number>();
  while (skus.size < LINES) skus.add(1 + Math.floor(Math.random() * SKUS));
  return newOrder([...skus].toSorted((a, b) => a - b).map((sku) => ({ sku, count: 1 })));
}

function hot(): NewOrder {
  return newOrder([{ sku: 1, count: 1 }]);
}

function paying(): Case {
  const unpayed: bigint[] = [];
  return {
    name: "pays",
    async prepare(lists) {
      while (unpayed.length < UNPAYED) {
        const orders = Array.from({ length: MADE_AT_ONCE }, spread);
        for (const outcome of await lists.orderCreate(orders, testContext())) {
          if (outcome.kind === "created") unpayed.push(outcome.orderId);
        }
      }
    },
    call(write) {
      const orderId = unpayed.pop();
      if (orderId === undefined) throw new Error("no order is left to be payed");
      return write.orderPay({ orderId, traceparent: "t" }, testContext());
    },
  };
}

async function compare(
  { name, prepare, call }: Case,
  callers: number,
  ways: Readonly<Record<string, Write>>,
  lists: OrderListWriter,
): Promise<void> {
  const rounds = new Map<string, Figures[]>(Object.keys(ways).map((way) => [way, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [way, write] of Object.entries(ways)) {
      await prepare?.(lists);
      rounds.get(way)?.push(await measure(callers, () => call(write)));
    }
  }
  const [reference = []] = rounds.values();
  for (const [way, figures] of rounds) {
    const ratios = figures.map(({ perSecond }, round) =>
      perSecond / (reference[round]?.perSecond ?? 0)
    ).toSorted((a, b) => a - b);
    const shown = [ratios[0], median(ratios), ratios.at(-1)].map((ratio) => ratio?.toFixed(2));
    const of = (key: keyof Figures) => median(figures.map((each) => each[key]));
    process.stdout.write(
      `${name}, ${callers} callers, ${way}: ${Math.round(of("perSecond"))}/s, ` +
        `p50 ${of("p50").toFixed(1)} ms, p99 ${of("p99").toFixed(1)} ms, ${shown.join("–")}x\n`,
    );
  }
}

async function measure(callers: number, call: () => Promise<unknown>): Promise<Figures> {
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
  const startedAt = performance.now();
  await all(ROUND_MS, true);
  const seconds = (performance.now() - startedAt) / 1_000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? NaN;
  return { perSecond: latencies.length / seconds, p50: at(0.5), p99: at(0.99) };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
