import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROJECT_DIRECTORY } from "../../stack/services.ts";
import { readStack } from "../../stack/stack-file.ts";
import type { Bench, Goal, Lab } from "../lab.ts";
import { measureStart, type Start } from "../start/measure-start.ts";

/** The start time on a machine of two cores; see docs/performance.md. */
const READY_MAX_S = { "without data": 1.36, "with data": 1.0 } as const;
const MEMORY_MAX_MB = 420;
const IDLE_MAX_PERCENT = 3;
/** The stock file has 65,534 units of it. */
const SKU = 139_275_865;

type Data = keyof typeof READY_MAX_S;
const CASES = (["without data", "with data"] as const).map((data) => ({
  data,
  goal: {
    ...{ bench: "B10", what: `npm start ${data} to the first order accepted`, unit: "s" },
    atMost: READY_MAX_S[data],
  } satisfies Goal,
}));
const MEMORY: Goal = {
  bench: "B10",
  what: "memory of the idle stack",
  atMost: MEMORY_MAX_MB,
  unit: "MB",
};
const IDLE: Goal = {
  ...{ bench: "B10", what: "CPU time of the idle stack, of a core", unit: "%" },
  atMost: IDLE_MAX_PERCENT,
};

export const START: Bench = {
  name: "B10",
  title: "npm start",
  goals: [...CASES.map(({ goal }) => goal), MEMORY, IDLE],
  run,
};

interface Started extends Start {
  readonly orderS: number;
}

async function run(lab: Lab): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), "marketplace-bench-"));
  lab.opened.push("the data", () => rmSync(parent, { recursive: true, force: true }));
  const starts: Record<Data, Started[]> = { "without data": [], "with data": [] };
  // The first start fills the compile cache.
  for (let round = 0; round <= lab.rounds; round++) {
    for (const { data } of CASES) {
      const started = await startOnce(join(parent, String(round)));
      lab.say(`${data}: first order after ${started.orderS.toFixed(2)} s`);
      if (round > 0) starts[data].push(started);
    }
  }
  for (const { data, goal } of CASES) {
    lab.record(goal, starts[data].map(({ orderS }) => orderS), stepsOf(starts[data]));
  }
  const all = [...starts["without data"], ...starts["with data"]];
  const sum = (figures: ReadonlyMap<string, number>) =>
    [...figures.values()].reduce((total, each) => total + each, 0);
  lab.record(MEMORY, all.map(({ memoryMb }) => sum(memoryMb)), partsOf(all));
  lab.record(IDLE, all.map(({ idlePercent }) => idlePercent));
}

async function startOnce(data: string): Promise<Started> {
  const startedAt = performance.now();
  let orderS = NaN;
  const start = await measureStart(PROJECT_DIRECTORY, data, async () => {
    await orderOnce(`${readStack(data)?.urls.loms}/v1/order/create`);
    orderS = (performance.now() - startedAt) / 1_000;
  });
  return { ...start, orderS };
}

async function orderOnce(url: string): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user: 7, items: [{ sku: SKU, count: 1 }] }),
  });
  if (!response.ok) throw new Error(`The first order got ${response.status}`);
  await response.arrayBuffer();
}

function stepsOf(starts: readonly Start[]): string {
  const steps = ["loms listens", "ready"].map((step) =>
    `${step} ${((starts.at(-1)?.steps.get(step) ?? NaN) / 1_000).toFixed(2)} s`
  );
  return steps.join(", ");
}

function partsOf(starts: readonly Start[]): string {
  const parts = [...starts.at(-1)?.memoryMb ?? []].sort(([, one], [, other]) => other - one);
  return parts.slice(0, 5).map(([name, mb]) => `${name} ${mb.toFixed(0)}`).join(", ");
}
