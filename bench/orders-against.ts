// Orders and payments per second of this loms compared with another commit, over gRPC, on one
// PostgreSQL with its synchronous standby. The rounds alternate, and only the measured loms runs.
// Each line of an order has a price, which an older loms ignores.
// Usage: node bench/orders-against.ts --against REF [--rounds N] [--callers N]
import process from "node:process";
import { parseArgs } from "node:util";
import { CloseStack } from "../shared/lifecycle.ts";
import { Lab } from "./lab.ts";
import { generate, grpcRequest } from "./load/load.ts";
import { alternate, loadedVariant, perSecond, type Variant } from "./rounds.ts";
import { subjectTable } from "./report.ts";
import { type Checkout, checkOut, thisCheckout } from "./start/checkout.ts";
import { compare } from "./start/tables.ts";
import { orderRequests, SKUS, startLoms } from "./subjects/loms.ts";
import { fillStock, openPostgres, type Postgres } from "./subjects/postgres.ts";

const REQUESTS = 20_000;
const SECONDS = 3;
/** More than a round pays. */
const PAYS_MAX = 100_000;
const CLOSE_MAX_MS = 60_000;

const { values } = parseArgs({
  options: {
    against: { type: "string" },
    rounds: { type: "string", default: "9" },
    callers: { type: "string", default: "64" },
  },
});
if (!values.against) {
  process.stderr.write(
    "Usage: npm run bench:against -- --against REF [--rounds N] [--callers N]\n",
  );
  process.exit(1);
}
const callers = Number(values.callers);

const opened = new CloseStack(CLOSE_MAX_MS);
const say = (line: string) => process.stderr.write(`${line}\n`);
const lab = new Lab({ isQuick: false, rounds: Number(values.rounds), opened, say });
try {
  const other = checkOut(values.against);
  opened.push("the checkout", () => other.close());
  const postgres = await openPostgres(opened, { databases: ["loms0", "bus0", "loms1", "bus1"] });
  const before = await openSubject(other, postgres, 0);
  const after = await openSubject(thisCheckout(), postgres, 1);
  const orders = await alternate(lab, [before.orders, after.orders]);
  const pays = await alternate(lab, [before.pays, after.pays]);
  console.log(subjectTable(lab.subjects));
  const [left = [], right = []] = [0, 1].map((which) =>
    perSecond(orders[which] ?? []).map((rate, round) => (
      { orders: rate, pays: perSecond(pays[which] ?? [])[round] }
    ))
  );
  console.log(`\nbefore: ${other.version}, after: ${thisCheckout().version}, ${callers} callers`);
  console.log(compare(
    [
      ["orders per second", (round) => round.orders],
      ["payments per second", (round) => round.pays],
    ],
    left,
    right,
  ));
} finally {
  await opened.close();
}

async function openSubject(
  { directory, version }: Checkout,
  postgres: Postgres,
  index: number,
): Promise<{ readonly orders: Variant; readonly pays: Variant }> {
  const database = postgres.database(`loms${index}`);
  const environment = { BUS_DATABASE_URL: postgres.pair.primaryUrl(`bus${index}`) };
  const loms = await startLoms({ postgres, database, environment, directory }, opened);
  loms.pause();
  await fillStock(database, SKUS);
  const parts = [loms, ...postgres.parts];
  const load = { protocol: "grpc", addresses: [loms.grpc], callers, seconds: SECONDS } as const;
  const requests = orderRequests(REQUESTS);
  const orders = loadedVariant(`orders, ${version}`, { ...load, requests }, parts, [loms]);
  return {
    orders: { ...orders, isOpenToo: false },
    pays: {
      name: `payments, ${version}`,
      async measure() {
        const due = await database.run(
          `select order_id from orders where status = 'awaiting payment' limit ${PAYS_MAX}`,
        );
        const pays = due.map(({ order_id }) =>
          grpcRequest("orderPay", { orderID: BigInt(String(order_id)) })
        );
        loms.resume();
        const measured = await generate(
          { ...load, requests: pays, limit: pays.length, warm_up_seconds: 0 },
          parts,
        );
        loms.pause();
        return measured;
      },
    },
  };
}
