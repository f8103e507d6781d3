import { type CostSample, costsFrom } from "../simulate/costs.ts";
import { simulateOrders } from "../simulate/orders.ts";
import type { Bench, Goal, Lab } from "../lab.ts";
import type { Measured } from "../load/load.ts";
import { alternate, loadedVariant } from "../rounds.ts";
import { median } from "../statistics.ts";
import { batchesOf, orderRequests, SKUS, startLoms } from "../subjects/loms.ts";
import { fillStock, type LomsDatabase, openPostgres } from "../subjects/postgres.ts";

/** The first and the last determine the costs; the others check them. */
const CALLERS = [1, 8, 64, 512] as const;
const REQUESTS = 20_000;
const SECONDS = 2;
/** The cores of the measured machine. */
const CORES = 2;

const CASES = CALLERS.map((callers) => ({
  callers,
  rate: goal(`orders per second of ${callers} callers`),
  median: goal(`median latency of ${callers} callers`),
}));

function goal(what: string): Goal {
  return { bench: "SIMULATION", what, reference: "npm run simulate", unit: "x" };
}

const WAL: Goal = {
  ...{ bench: "SIMULATION", what: "write-ahead log an order, its events included", unit: "B" },
};

export const SIMULATION: Bench = {
  name: "SIMULATION",
  title: "measured orders beside the simulation of them, by costs of the same run",
  goals: [...CASES.flatMap(({ rate, median }) => [rate, median]), WAL],
  run,
};

interface Observed {
  readonly batch: number;
  readonly rounds: readonly Measured[];
}

async function run(lab: Lab): Promise<void> {
  const postgres = await openPostgres(lab.opened, { databases: ["loms", "bus"] });
  const database = await postgres.loms("loms");
  await fillStock(database, SKUS);
  const loms = await startLoms({ postgres, database }, lab.opened);
  const observed: Observed[] = [];
  const [walBefore, ordersBefore] = await walAndOrders(database);
  for (const { callers } of CASES) {
    const before = await batchesOf(loms);
    const [rounds = []] = await alternate(lab, [{
      ...loadedVariant(`loms, ${callers} callers`, {
        ...{ protocol: "grpc", addresses: [loms.grpc], requests: orderRequests(REQUESTS) },
        ...{ callers, seconds: SECONDS },
      }, [loms, ...postgres.parts]),
      isOpenToo: false,
    }]);
    const after = await batchesOf(loms);
    const batch = (after.orders - before.orders) / (after.batches - before.batches);
    observed.push({ batch, rounds });
  }
  compare(lab, observed);
  const [walAfter, ordersAfter] = await walAndOrders(database);
  lab.record(WAL, [(walAfter - walBefore) / (ordersAfter - ordersBefore)]);
}

async function walAndOrders({ run }: LomsDatabase): Promise<readonly [number, number]> {
  const [row] = await run(
    "select (pg_current_wal_lsn() - '0/0')::float8 as wal, count(*)::int4 as orders from orders",
  );
  return [Number(row?.["wal"]), Number(row?.["orders"])];
}

function compare(lab: Lab, observed: readonly Observed[]): void {
  const [lone, grouped] = [observed[0], observed.at(-1)];
  if (!lone || !grouped) return;
  const loneMs = median(lone.rounds.map(({ p50_ms }) => p50_ms));
  const costs = costsFrom(sampleOf(lone), sampleOf(grouped), loneMs);
  lab.say(`costs in ms: ${JSON.stringify(costs)}`);
  for (const [index, { callers, rate, median: latency }] of CASES.entries()) {
    const { rounds = [], batch = NaN } = observed[index] ?? {};
    const simulated = simulateOrders(
      costs,
      { loms: 1, cores: CORES, together: true },
      { kind: "closed", callers },
    );
    const note = `${batch.toFixed(1)} orders a transaction, simulated ${
      simulated.batch.toFixed(1)
    }`;
    lab.record(rate, rounds.map(({ perSecond }) => perSecond / simulated.perSecond), note);
    lab.record(latency, rounds.map(({ p50_ms }) => p50_ms / simulated.p50Ms));
  }
}

/** The generator counts its own CPU time. */
function sampleOf({ batch, rounds }: Observed): CostSample {
  const of = (part: string) => median(rounds.map(({ cpuUs }) => cpuUs[part] ?? NaN)) / 1_000;
  const ms = {
    ...{ loms: of("loms"), primary: of("PostgreSQL"), replica: of("standby") },
    generator: of("generator"),
  };
  return { batch, ms };
}
