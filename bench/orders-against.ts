// Orders and payments per second of this loms beside that of another commit, over gRPC, on one
// PostgreSQL with its synchronous standby. The rounds alternate, and only the loms being measured
// runs. Each line of an order has a price, which an older loms does not read.
// Usage: node bench/orders-against.ts --against REF [--rounds N] [--callers N]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { stocks } from "../drizzle/loms/schema.ts";
import { openWriterFixture, testContext } from "../loms/repository/writer-fixture.ts";
import { LomsDefinition } from "../proto/gen/loms/v1/loms.ts";
import { createGrpcClient } from "../shared/grpc/client.ts";
import { CloseStack } from "../shared/lifecycle.ts";
import { SYSTEM_PATH } from "../stack/processes/child.ts";
import { commandFor } from "../stack/processes/runtimes.ts";
import { ServiceProcess } from "../stack/processes/service-process.ts";
import { freePorts } from "../stack/ports.ts";
import { startPostgresPair } from "../stack/postgres/pair.ts";
import { type Checkout, checkOut, thisCheckout } from "./start/checkout.ts";
import { compare } from "./start/tables.ts";

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
const CALLERS = Number(values.callers);
const ROUND_MS = 3_000;
const SKUS = 10_000;
const LINES = 3;
const PLENTY = 10n ** 12n;

const opened = new CloseStack();
const directory = await mkdtemp(join(tmpdir(), "marketplace-bench-"));
try {
  const other = checkOut(values.against);
  opened.push("the checkout", () => Promise.resolve(other.close()));
  const versions = [thisCheckout(), other];
  const databases = versions.map((_, index) => `loms${index}`);
  const pair = await startPostgresPair({
    dataDirectory: directory,
    databases: [...databases, "bus0", "bus1"],
  });
  opened.push("PostgreSQL", () => pair.close());
  const subjects = [];
  for (const [index, version] of versions.entries()) {
    subjects.push(
      await startSubject(version, {
        DATABASE_URL: pair.primaryUrl(`loms${index}`),
        DATABASE_REPLICA_URLS: pair.replicaUrls(`loms${index}`).join(","),
        BUS_DATABASE_URL: pair.primaryUrl(`bus${index}`),
      }),
    );
  }
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const subject of round % 2 ? subjects.toReversed() : subjects) await subject.measure();
  }
  report(subjects);
} finally {
  await opened.close();
  await rm(directory, { recursive: true, force: true });
}

interface Subject {
  readonly version: string;
  /** Orders, and payments of them, per second in each round. */
  readonly rounds: { readonly orders: number; readonly pays: number }[];
  measure(): Promise<void>;
}

async function startSubject(
  { directory: sources, version }: Checkout,
  databases: Readonly<Record<string, string>>,
): Promise<Subject> {
  const [http, grpc, profile, admin] = (await freePorts(4)).map((port) => `127.0.0.1:${port}`);
  const loms = new ServiceProcess({
    name: "loms",
    command: commandFor("node", "loms/main.ts", []),
    directory: sources,
    environment: {
      ...databases,
      PATH: SYSTEM_PATH,
      LOG_FORMAT: "json",
      ORDER_PAYMENT_TIMEOUT: "24h",
      LOMS_HTTP: `${http}`,
      LOMS_GRPC: `${grpc}`,
      LOMS_PROFILE: `${profile}`,
      LOMS_ADMIN: `${admin}`,
    },
    readyUrl: `http://${http}/readyz`,
    logPath: join(directory, `${version}.log`),
    onLine() {},
    onSpawn() {},
    onEnd: (ending) => process.stderr.write(`loms of ${version} exited: ${ending}\n`),
  });
  await loms.start();
  opened.push(version, () => loms.stop());
  await fillStock(databases["DATABASE_URL"] as string);
  loms.pause();
  const rounds: Subject["rounds"] = [];
  return {
    version,
    rounds,
    async measure() {
      loms.resume();
      const result = await measureRound(`${grpc}`);
      rounds.push(result);
      process.stdout.write(
        `${version}: ${Math.round(result.orders)} orders/s, ${
          Math.round(result.pays)
        } payments/s\n`,
      );
      loms.pause();
    },
  };
}

async function fillStock(url: string): Promise<void> {
  const { pool } = openWriterFixture(url);
  await pool.db.insert(stocks).values(
    Array.from({ length: SKUS }, (_, sku) => (
      { sku: 10_000_000 + sku, totalCount: PLENTY, reserved: 0n }
    )),
  );
  await pool.close();
}

async function measureRound(address: string): Promise<{ orders: number; pays: number }> {
  const client = createGrpcClient({ definition: LomsDefinition, address, errorDetails: [] });
  const orders: bigint[] = [];
  const anySku = () => 10_000_000 + Math.floor(Math.random() * SKUS);
  try {
    const created = await perSecond(async () => {
      const skus = new Set(Array.from({ length: LINES }, anySku));
      const items = [...skus].map((sku) => ({ sku, count: 1, price: 100 }));
      const { orderID } = await client.call("orderCreate", { user: 7n, items }, testContext());
      orders.push(orderID);
    }, () => true);
    const payed = await perSecond(async () => {
      await client.call("orderPay", { orderID: orders.pop() as bigint }, testContext());
    }, () => orders.length > 0);
    return { orders: created, pays: payed };
  } finally {
    client.close();
  }
}

/** Calls of many callers per second, for the time of a round or while there is work. */
async function perSecond(call: () => Promise<void>, hasWork: () => boolean): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (performance.now() - startedAt < ROUND_MS && hasWork()) {
      await call();
      done++;
    }
  }));
  return done * 1_000 / (performance.now() - startedAt);
}

function report([subject, other]: readonly Subject[]): void {
  if (!subject || !other) return;
  console.log(`before: ${other.version}, after: ${subject.version}, ${CALLERS} callers`);
  console.log(compare(
    [
      ["orders per second", ({ orders }) => orders],
      ["payments per second", ({ pays }) => pays],
    ],
    other.rounds,
    subject.rounds,
  ));
}
