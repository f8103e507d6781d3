import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../stack/ports.ts";
import type { Bench, Goal, Lab } from "../lab.ts";
import { alternate, loadedVariant, perSecond, type Variant } from "../rounds.ts";
import { ratios } from "../statistics.ts";
import {
  type Batches,
  batchesOf,
  type Loms,
  orderRequests,
  SKUS,
  startLoms,
} from "../subjects/loms.ts";
import { fillStock, openPostgres } from "../subjects/postgres.ts";
import { startService } from "../subjects/service.ts";

const CALLERS = 256;
const REQUESTS = 20_000;
const SECONDS = 2;
/** Connections of the generator to the proxy, which balances each call. */
const CONNECTIONS = 8;

const RATE: Goal = {
  bench: "LOMS",
  what: "OrderCreate of two loms behind one address",
  reference: "one",
  unit: "x",
};
const SHARE: Goal = { bench: "LOMS", what: "calls that the less busy of two took", unit: "%" };
const BATCH: Goal = {
  bench: "LOMS",
  what: "orders a batch with two loms",
  reference: "one",
  unit: "x",
};

export const SEVERAL: Bench = {
  name: "LOMS",
  title: `several loms behind one address, ${CALLERS} callers`,
  goals: [RATE, SHARE, BATCH],
  run,
};

async function run(lab: Lab): Promise<void> {
  const postgres = await openPostgres(lab.opened, { databases: ["loms", "bus"] });
  const database = await postgres.loms("loms");
  await fillStock(database, SKUS);
  const one = await startLoms({ postgres, database, name: "loms 1" }, lab.opened);
  const two = await startLoms({ postgres, database, name: "loms 2" }, lab.opened);
  const proxy = await startProxy(lab, [one, two]);
  const addresses = proxy ? [proxy] : [one.grpc, two.grpc];
  const note = proxy ? "behind HAProxy" : "without HAProxy: the generator spreads the calls";
  const load = {
    ...{ protocol: "grpc", requests: orderRequests(REQUESTS), callers: CALLERS } as const,
    ...{ seconds: SECONDS, connections: CONNECTIONS },
  };
  const batches: Record<"one" | "two", number[]> = { one: [], two: [] };
  const shares: number[] = [];
  const wayOf = (
    name: "one" | "two",
    to: readonly string[],
    services: readonly Loms[],
  ): Variant => {
    const parts = [...services, ...postgres.parts];
    const variant = loadedVariant(`${name} loms`, { ...load, addresses: to }, parts);
    const measure: Variant["measure"] = async (changes) => {
      const before = await Promise.all([one, two].map(batchesOf));
      const measured = await variant.measure(changes);
      const after = await Promise.all([one, two].map(batchesOf));
      const made = (of: keyof Batches) =>
        after.map((counts, index) => counts[of] - (before[index]?.[of] ?? 0));
      const [orders, inBatches] = [made("orders"), made("batches")];
      batches[name].push(sum(orders) / sum(inBatches));
      if (name === "two") shares.push(Math.min(...orders) * 100 / sum(orders));
      return measured;
    };
    return { ...variant, measure, isOpenToo: false };
  };
  const [single = [], both = []] = await alternate(lab, [
    wayOf("one", [one.grpc], [one]),
    wayOf("two", addresses, [one, two]),
  ]);
  lab.record(RATE, ratios(perSecond(both), perSecond(single)), note);
  lab.record(SHARE, shares);
  lab.record(BATCH, ratios(batches.two, batches.one), `${batches.two.at(-1)?.toFixed(0)} orders`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** HAProxy in front of them, balancing each call; undefined if it is not installed. */
async function startProxy(lab: Lab, services: readonly Loms[]): Promise<string | undefined> {
  try {
    execFileSync("haproxy", ["-v"], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  const [port, readyPort] = await freePorts(2);
  const directory = mkdtempSync(join(tmpdir(), "marketplace-haproxy-"));
  lab.opened.push("HAProxy's settings", () => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "haproxy.cfg");
  const servers = services.map(({ grpc }, index) => `  server loms${index} ${grpc} proto h2`);
  writeFileSync(
    path,
    [
      "defaults",
      "  mode http",
      ...["connect 5s", "client 60s", "server 60s"].map((each) => `  timeout ${each}`),
      "frontend grpc",
      `  bind 127.0.0.1:${port} proto h2`,
      "  default_backend loms",
      "backend loms",
      "  balance roundrobin",
      ...servers,
      "frontend ready",
      `  bind 127.0.0.1:${readyPort}`,
      "  http-request return status 200",
      "",
    ].join("\n"),
  );
  await startService({
    ...{ name: "HAProxy", command: ["haproxy", "-db", "-f", path], environment: {} },
    readyUrl: `http://127.0.0.1:${readyPort}/`,
  }, lab.opened);
  return `127.0.0.1:${port}`;
}
