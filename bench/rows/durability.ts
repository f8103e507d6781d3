import { sleep, systemClock } from "../../shared/async/request-context.ts";
import type { Bench, Goal, Lab } from "../lab.ts";
import { forceMs } from "../machine.ts";
import { alternate, loadedVariant, perSecond, type Variant } from "../rounds.ts";
import { ratios } from "../statistics.ts";
import { orderRequests, SKUS, startLoms } from "../subjects/loms.ts";
import { fillStock, type LomsDatabase, openPostgres } from "../subjects/postgres.ts";

const CALLERS = 64;
const REQUESTS = 20_000;
const SECONDS = 1.5;
const STANDBYS = { synchronous: "FIRST 1 (standby1)", asynchronous: "" } as const;

const RATE: Goal = {
  ...{ bench: "B3", what: `OrderCreate, ${CALLERS} callers, synchronous replica` },
  ...{ reference: "asynchronous replica", atLeast: 0.7, unit: "x" },
};
const LONE: Goal = {
  ...{ bench: "B3", what: "p50 that the synchronous replica adds at one caller" },
  ...{ reference: "asynchronous replica", atMost: 1, unit: "ms" },
};

export const DURABILITY: Bench = {
  name: "B3",
  title: "what a synchronous replica costs",
  goals: [RATE, LONE],
  run,
};

/** One loms, which lists no replica: the server alone decides whether a commit waits for one. */
async function run(lab: Lab): Promise<void> {
  const { opened } = lab;
  const postgres = await openPostgres(opened, { databases: ["loms", "bus"] });
  const database = await postgres.loms("loms");
  await fillStock(database, SKUS);
  const loms = await startLoms({
    ...{ postgres, database },
    environment: { DATABASE_REPLICA_URLS: "" },
  }, opened);
  const variantsOf = (callers: number): Variant[] =>
    (["synchronous", "asynchronous"] as const).map((standbys) => {
      const variant = loadedVariant(`${standbys} replica, ${callers} callers`, {
        ...{ protocol: "grpc", addresses: [loms.grpc], requests: orderRequests(REQUESTS) },
        ...{ callers, seconds: SECONDS },
      }, [loms, ...postgres.parts]);
      const measure: Variant["measure"] = async (changes) => {
        await choose(database, STANDBYS[standbys]);
        return await variant.measure(changes);
      };
      return { ...variant, measure, warmUp: () => measure({ seconds: 1 }) };
    });
  const [synchronous = [], asynchronous = []] = await alternate(lab, variantsOf(CALLERS));
  lab.record(RATE, ratios(perSecond(synchronous), perSecond(asynchronous)));
  const force = `a raw fdatasync takes ${forceMs(postgres.directory).toFixed(3)} ms`;
  const [lone = [], loneAlone = []] = await alternate(lab, variantsOf(1));
  const added = lone.map(({ p50_ms }, round) => p50_ms - (loneAlone[round]?.p50_ms ?? NaN));
  lab.record(LONE, added, force);
}

async function choose({ run }: LomsDatabase, standbys: string): Promise<void> {
  await run(`alter system set synchronous_standby_names = '${standbys}'`);
  await run("select pg_reload_conf()");
  const state = standbys ? "sync" : "async";
  for (;;) {
    const [row] = await run("select sync_state from pg_stat_replication");
    if (row?.["sync_state"] === state) return;
    await sleep(systemClock, 20);
  }
}
