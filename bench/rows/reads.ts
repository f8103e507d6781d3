import { fileURLToPath } from "node:url";
import { newOrder, testContext } from "../../loms/repository/writer-fixture.ts";
import { freePorts } from "../../stack/ports.ts";
import { commandFor } from "../../stack/processes/runtimes.ts";
import type { Bench, Goal, Lab } from "../lab.ts";
import { grpcRequest } from "../load/load.ts";
import { shown } from "../report.ts";
import { alternate, loadedVariant, perSecond } from "../rounds.ts";
import { ratios } from "../statistics.ts";
import { SKUS, startLoms } from "../subjects/loms.ts";
import { fillStock, openPostgres } from "../subjects/postgres.ts";
import { startService } from "../subjects/service.ts";

const ORDERS = 1_000;
const CALLERS = 64;
const SECONDS = 1.5;
const ECHO = fileURLToPath(new URL("../references/bare-echo.ts", import.meta.url));

const goalOf = (what: string): Goal => (
  { bench: "B6", what, reference: "bare grpc-js echo", atLeast: 0.75, unit: "x" }
);
const GOALS = { orderInfo: goalOf("OrderInfo"), stocksInfo: goalOf("StocksInfo") };

export const READS: Bench = {
  name: "B6",
  title: "reads over gRPC from the synchronous standby, 64 callers",
  goals: Object.values(GOALS),
  run,
};

async function run(lab: Lab): Promise<void> {
  const { opened } = lab;
  const postgres = await openPostgres(opened, { databases: ["loms", "bus"] });
  const database = await postgres.loms("loms");
  await fillStock(database, SKUS);
  const orders = Array.from(
    { length: ORDERS },
    (_, index) => newOrder([1 + index, 2 + index].map((sku) => ({ sku, count: 1, price: 100 }))),
  );
  const made = await database.writer.orderCreate(orders, testContext());
  const ids = made.flatMap((each) => each.kind === "created" ? [each.orderId] : []);
  const loms = await startLoms({ postgres, database }, opened);
  loms.pause();
  const [grpcPort, httpPort] = await freePorts(2);
  const echo = await startService({
    name: "echo",
    command: [...commandFor("node", ECHO, []), `${grpcPort}`, `${httpPort}`],
    environment: {},
    readyUrl: `http://127.0.0.1:${httpPort}`,
  }, opened);
  echo.pause();
  const loads = {
    orderInfo: ids.map((orderID) => grpcRequest("orderInfo", { orderID })),
    stocksInfo: Array.from(
      { length: SKUS },
      (_, sku) => grpcRequest("stocksInfo", { sku: sku + 1 }),
    ),
  };
  for (const [name, goal] of Object.entries(GOALS)) {
    const requests = loads[name as keyof typeof loads];
    const load = { protocol: "grpc", requests, callers: CALLERS, seconds: SECONDS } as const;
    const [ours = [], bare = []] = await alternate(lab, [
      loadedVariant(`loms, ${goal.what}`, { ...load, addresses: [loms.grpc] }, [
        loms,
        ...postgres.parts,
      ], [loms]),
      loadedVariant(
        `echo, ${goal.what}`,
        { ...load, addresses: [`127.0.0.1:${grpcPort}`] },
        [echo],
        [echo],
      ),
    ]);
    lab.record(goal, ratios(perSecond(ours), perSecond(bare)), cpuNote(ours, bare));
  }
}

/** The ratio in calls per second of the server's CPU time, PostgreSQL's not counted. */
function cpuNote(
  ours: readonly { readonly cpuUs: Readonly<Record<string, number>> }[],
  bare: readonly { readonly cpuUs: Readonly<Record<string, number>> }[],
): string {
  const of = (rounds: typeof ours, part: string) => rounds.map(({ cpuUs }) => cpuUs[part] ?? NaN);
  const values = ratios(of(bare, "echo"), of(ours, "loms"));
  return `per second of the server's CPU time ${shown(values)} x`;
}
