import process from "node:process";
import { newOrder, testContext } from "../../loms/repository/writer-fixture.ts";
import { createGroupedWriter } from "../../loms/repository/writer.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { cpuTimes, cpuUsPerCall } from "../cpu-time.ts";
import type { Bench, Goal, Lab } from "../lab.ts";
import { generate, type Measured } from "../load/load.ts";
import { naiveScript } from "../references/naive-statements.ts";
import { alternate, measuredBy, perSecond, type Variant } from "../rounds.ts";
import { ratios } from "../statistics.ts";
import { hotRequest, type Loms, startLoms } from "../subjects/loms.ts";
import { pgbenchVariant, whyNoPgbench } from "../subjects/pgbench.ts";
import { type LomsDatabase, openPostgres, type Postgres } from "../subjects/postgres.ts";
import { openShop } from "../subjects/shop.ts";

const CALLERS = 512;
/** Of each client of pgbench; the first is slower, on a new connection. */
const NAIVE_TRANSACTIONS = 3;
/** Units on sale. */
const STOCK = { full: 20_000, quick: 5_000 } as const;
const PURCHASES = { full: 3_000, quick: 1_000 } as const;
/** Longer than any load. */
const ENOUGH_SECONDS = 120;

const NAIVE = `pgbench, the naive transaction, ${CALLERS} clients`;
const INSIDE: Goal = {
  ...{ bench: "B2a", what: "one SKU sold out by callers inside loms", reference: NAIVE },
  ...{ atLeast: 50, unit: "x" },
};
const OVER_GRPC: Goal = {
  ...{ bench: "B2b", what: "one SKU sold out over gRPC", reference: NAIVE, atLeast: 10, unit: "x" },
};
const P99: Goal = {
  bench: "B2b",
  what: "p99 of an order of the one SKU over gRPC",
  atMost: 100,
  unit: "ms",
};
const WHOLE: Goal = {
  bench: "B2c",
  what: "whole purchases: add, checkout, pay over HTTP",
  unit: "/s",
};

export const FLASH_SALE: Bench = {
  name: "B2",
  title: `one SKU, ${CALLERS} callers, sold out exactly`,
  goals: [INSIDE, OVER_GRPC, P99, WHOLE],
  run,
};

async function run(lab: Lab): Promise<void> {
  const postgres = await openPostgres(lab.opened, {
    databases: ["loms", "naive", "bus"],
    settings: { max_connections: "700" },
  });
  const database = await postgres.loms("loms");
  const naive = await postgres.loms("naive");
  const loms = await startLoms({ postgres, database }, lab.opened);
  loms.pause();
  const noPgbench = whyNoPgbench();
  const naiveSku = await naive.addStock(10 ** 12);
  const [inside = [], overGrpc = [], reference] = await alternate(lab, [
    insideVariant(lab, postgres, database),
    grpcVariant(lab, postgres, database, loms),
    ...(noPgbench ? [] : [pgbenchVariant({
      ...{ name: NAIVE, url: naive.url, clients: CALLERS, transactions: NAIVE_TRANSACTIONS },
      ...{ script: naiveScript([], [String(naiveSku)]), parts: postgres.parts },
    })]),
  ]);
  for (const [goal, rounds] of [[INSIDE, inside], [OVER_GRPC, overGrpc]] as const) {
    if (reference) lab.record(goal, ratios(perSecond(rounds), perSecond(reference)));
    else lab.lacks(goal, noPgbench ?? "");
  }
  lab.record(P99, overGrpc.map(({ p99_ms }) => p99_ms));
  loms.resume();
  const shop = await openShop(lab, postgres, database, loms);
  const sizes = lab.isQuick ? PURCHASES.quick : PURCHASES.full;
  const purchases: number[] = [];
  for (let round = 0; round < lab.rounds; round++) {
    purchases.push(await shop.sellOut(sizes, CALLERS, round));
  }
  lab.record(WHOLE, purchases);
}

/** Callers of the grouped writer, in this process. */
function insideVariant(lab: Lab, { parts }: Postgres, database: LomsDatabase): Variant {
  const writer = createGroupedWriter(database.writer, new Metrics("loms"));
  const own = { name: "callers and writer", pid: () => process.pid, isAlone: true };
  const measured = [own, ...parts];
  const measure = async () => {
    const stock = stockOf(lab);
    const sku = await database.addStock(stock);
    const latenciesMs: number[] = [];
    const before = cpuTimes(measured);
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: CALLERS }, async () => {
      for (;;) {
        const calledAt = performance.now();
        const { kind } = await writer.orderCreate(newOrder([{ sku, count: 1 }]), testContext());
        if (kind !== "created") return;
        latenciesMs.push(performance.now() - calledAt);
      }
    }));
    const seconds = (performance.now() - startedAt) / 1_000;
    const calls = latenciesMs.length;
    const cpuUs = cpuUsPerCall(measured, [before, cpuTimes(measured)], calls);
    await checkSold(lab, database, { sku, stock, sold: calls });
    return measuredBy({ calls, seconds, latenciesMs, cpuUs });
  };
  return { name: "inside loms", measure, warmUp: measure };
}

function grpcVariant(lab: Lab, { parts }: Postgres, database: LomsDatabase, loms: Loms): Variant {
  const measure = async (): Promise<Measured> => {
    const stock = stockOf(lab);
    const sku = await database.addStock(stock);
    loms.resume();
    const measured = await generate({
      ...{ protocol: "grpc", addresses: [loms.grpc], requests: [hotRequest(sku)] },
      ...{ callers: CALLERS, limit: stock + CALLERS, warm_up_seconds: 0 },
      seconds: ENOUGH_SECONDS,
    }, [loms, ...parts]);
    loms.pause();
    await checkSold(lab, database, { sku, stock, sold: measured.calls });
    return measured;
  };
  return { name: "over gRPC", mayFail: true, measure, warmUp: measure };
}

function stockOf({ isQuick }: Lab): number {
  return isQuick ? STOCK.quick : STOCK.full;
}

async function checkSold(
  lab: Lab,
  database: LomsDatabase,
  { sku, stock, sold }: { readonly sku: number; readonly stock: number; readonly sold: number },
): Promise<void> {
  const { reserved } = await database.stockOf(sku);
  lab.promise(
    sold === stock && reserved === stock,
    `of ${stock} units of sku ${sku} ${sold} were sold and ${reserved} are reserved`,
  );
}
