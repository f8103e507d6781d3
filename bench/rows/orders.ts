import { fileURLToPath } from "node:url";
import { freePorts } from "../../stack/ports.ts";
import { commandFor } from "../../stack/processes/runtimes.ts";
import type { Bench, Goal, Lab } from "../lab.ts";
import { batchScript, naiveScript } from "../references/naive-statements.ts";
import type { Part } from "../cpu-time.ts";
import { alternate, loadedVariant, perSecond, type Variant } from "../rounds.ts";
import { ratios } from "../statistics.ts";
import { orderRequests, SKUS, startLoms } from "../subjects/loms.ts";
import { pgbenchVariant, whyNoPgbench } from "../subjects/pgbench.ts";
import { fillStock, type LomsDatabase, openPostgres, type Postgres } from "../subjects/postgres.ts";
import { type Service, startService } from "../subjects/service.ts";

const CALLERS = [64, 512] as const;
const REQUESTS = 20_000;
const SECONDS = 2;
/** Orders of pgbench in a round. */
const NAIVE_ORDERS = 6_144;
const BATCHED_ORDERS = 20_000;
/** The maximum size of a batch of loms. */
const ORDERS_A_BATCH = 250;
const BATCH_CLIENTS = 2;
const NAIVE = fileURLToPath(new URL("../references/naive-orders.ts", import.meta.url));

const REFERENCES = [
  { reference: "a transaction of several statements per order, over gRPC", atLeast: 4 },
  { reference: "pgbench, the naive transaction", atLeast: 2 },
  { reference: `pgbench, the function with ${ORDERS_A_BATCH} orders`, atLeast: 0.3 },
] as const;
const CASES = CALLERS.map((callers) => ({
  callers,
  goals: REFERENCES.map((each): Goal => (
    { bench: "B1", what: `OrderCreate, ${callers} callers`, ...each, unit: "x" }
  )),
}));

export const ORDERS: Bench = {
  name: "B1",
  title: "orders of 3 lines among 10,000 SKUs over gRPC, with a synchronous replica",
  goals: CASES.flatMap(({ goals }) => goals),
  run,
};

async function run(lab: Lab): Promise<void> {
  const postgres = await openPostgres(lab.opened, {
    databases: ["loms", "naive", "pgbench", "batch", "bus", "naive_bus"],
    settings: { max_connections: "700" },
  });
  const filled = async (name: string) => {
    const database = await postgres.loms(name);
    await fillStock(database, SKUS);
    return database;
  };
  const loms = await startLoms({ postgres, database: await filled("loms") }, lab.opened);
  loms.pause();
  const naive = await startNaive(lab, postgres, await filled("naive"));
  const urls = { naive: (await filled("pgbench")).url, batch: (await filled("batch")).url };
  const { parts } = postgres;
  const noPgbench = whyNoPgbench();
  for (const { callers, goals } of CASES) {
    const requests = orderRequests(REQUESTS);
    const variantTo = (name: string, services: readonly Service[], address: string) =>
      loadedVariant(
        `${name}, ${callers} callers`,
        { protocol: "grpc", addresses: [address], requests, callers, seconds: SECONDS },
        [...services, ...parts],
        services,
      );
    const several = variantTo("several statements over gRPC", naive.services, naive.address);
    const [subject = [], ...references] = await alternate(lab, [
      variantTo("loms", [loms], loms.grpc),
      { ...several, isOpenToo: false },
      ...(noPgbench ? [] : pgbenches(callers, urls, parts)),
    ]);
    for (const [index, goal] of goals.entries()) {
      const reference = references[index];
      if (reference) lab.record(goal, ratios(perSecond(subject), perSecond(reference)));
      else lab.lacks(goal, noPgbench ?? "");
    }
  }
}

/** With a loms that only publishes the events, as the measured one does. */
async function startNaive(
  lab: Lab,
  postgres: Postgres,
  database: LomsDatabase,
): Promise<{ services: readonly Service[]; address: string }> {
  const environment = { BUS_DATABASE_URL: postgres.pair.primaryUrl("naive_bus") };
  const relay = await startLoms({ postgres, database, environment, name: "relay" }, lab.opened);
  relay.pause();
  const [grpcPort, httpPort] = await freePorts(2);
  const service = await startService({
    name: "naive",
    command: [...commandFor("node", NAIVE, []), `${grpcPort}`, `${httpPort}`, database.url],
    environment: {},
    readyUrl: `http://127.0.0.1:${httpPort}`,
  }, lab.opened);
  service.pause();
  return { services: [service, relay], address: `127.0.0.1:${grpcPort}` };
}

function pgbenches(
  callers: number,
  urls: { readonly naive: string; readonly batch: string },
  parts: readonly Part[],
): Variant[] {
  return [
    pgbenchVariant({
      ...{ parts, name: `pgbench naive, ${callers} clients`, url: urls.naive },
      transactions: NAIVE_ORDERS / callers,
      ...{ script: naiveScript(SETTINGS, [":a", ":b", ":c"]), clients: callers },
    }),
    pgbenchVariant({
      ...{ parts, name: `pgbench function, ${BATCH_CLIENTS} clients`, url: urls.batch },
      transactions: BATCHED_ORDERS / ORDERS_A_BATCH / BATCH_CLIENTS,
      ...{ script: batchScript(ORDERS_A_BATCH, SKUS), clients: BATCH_CLIENTS },
      each: ORDERS_A_BATCH,
    }),
  ];
}

/** Three SKUs in ascending order, as every order locks them. */
const THIRD = Math.floor(SKUS / 3);
const SETTINGS = ["a", "b", "c"].map((name, index) =>
  `\\set ${name} random(${1 + index * THIRD}, ${(index + 1) * THIRD})`
);
