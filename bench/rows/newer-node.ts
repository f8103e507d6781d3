import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { newOrder, testContext } from "../../loms/repository/writer-fixture.ts";
import type { Bench, Goal, Lab } from "../lab.ts";
import { grpcRequest } from "../load/load.ts";
import { alternate, loadedVariant, perSecond } from "../rounds.ts";
import { ratios } from "../statistics.ts";
import { orderRequests, SKUS, startLoms } from "../subjects/loms.ts";
import { fillStock, openPostgres } from "../subjects/postgres.ts";

const VERSION = "26.10.0";
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/bench/node-26", import.meta.url));
const CALLERS = 64;
const SECONDS = 1.5;
const ORDERS = 1_000;

const goalOf = (what: string): Goal => (
  { bench: "NODE", what: `${what} on Node ${VERSION}`, reference: process.version, unit: "x" }
);
const GOALS = { orderCreate: goalOf("OrderCreate"), orderInfo: goalOf("OrderInfo") };

export const NEWER_NODE: Bench = {
  name: "NODE",
  title: "loms on a newer Node",
  goals: Object.values(GOALS),
  run,
};

async function run(lab: Lab): Promise<void> {
  const binary = newerNode();
  if (binary === undefined) {
    for (const goal of NEWER_NODE.goals) {
      lab.lacks(goal, `npm has no Node ${VERSION} for this machine`);
    }
    return;
  }
  const postgres = await openPostgres(lab.opened, {
    databases: ["loms", "newer", "bus", "bus_newer"],
  });
  const open = async (name: string, more: { command?: readonly string[]; bus: string }) => {
    const database = await postgres.loms(name);
    await fillStock(database, SKUS);
    const orders = Array.from(
      { length: ORDERS },
      (_, sku) => newOrder([{ sku: sku + 1, count: 1 }]),
    );
    const made = await database.writer.orderCreate(orders, testContext());
    const ids = made.flatMap((each) => each.kind === "created" ? [each.orderId] : []);
    const loms = await startLoms({
      ...{ postgres, database },
      ...(more.command ? { command: more.command } : {}),
      environment: { BUS_DATABASE_URL: postgres.pair.primaryUrl(more.bus) },
    }, lab.opened);
    loms.pause();
    return {
      loms,
      loads: {
        orderCreate: orderRequests(SKUS),
        orderInfo: ids.map((orderID) => grpcRequest("orderInfo", { orderID })),
      },
    };
  };
  const subjects = [
    await open("newer", { command: [binary, "loms/main.ts"], bus: "bus_newer" }),
    await open("loms", { bus: "bus" }),
  ];
  for (const [key, goal] of Object.entries(GOALS)) {
    const variants = subjects.map(({ loms, loads }, index) =>
      loadedVariant(
        `${key}, Node ${index === 0 ? VERSION : process.versions.node}`,
        {
          ...{ protocol: "grpc", addresses: [loms.grpc], callers: CALLERS, seconds: SECONDS },
          requests: loads[key as keyof typeof loads],
        },
        [loms, ...postgres.parts],
        [loms],
      )
    );
    const [newer = [], own = []] = await alternate(lab, variants);
    lab.record(goal, ratios(perSecond(newer), perSecond(own)));
  }
}

/** Node from the npm registry, kept between runs; undefined if it is unavailable. */
function newerNode(): string | undefined {
  const name = `node-${process.platform}-${process.arch}`;
  const binary = join(CACHE, "node_modules", name, "bin/node");
  if (existsSync(binary)) return binary;
  mkdirSync(CACHE, { recursive: true });
  try {
    const args = ["install", "--silent", "--no-save", "--no-package-lock", "--prefix", CACHE];
    execFileSync("npm", [...args, `${name}@${VERSION}`], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return existsSync(binary) ? binary : undefined;
}
