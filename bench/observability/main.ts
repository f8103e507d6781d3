// The cost of telemetry: cart's add and list and loms' OrderCreate with everything off, with
// metrics, with logs, and with traces of 1 % and of all requests. Each level runs in its own
// process. The levels alternate in short rounds, so that other load on the machine affects all of
// them, and new processes replace them after some rounds, since two equal processes differ in
// speed. A figure is the median over all rounds. The measure is requests per second of the
// service's CPU time, its throughput when busy; requests per second of wall time also depend on the
// load generator, PostgreSQL and the rest of the machine.
// Usage: node bench/observability/main.ts [--runtime node|deno] [--generations N] [--rounds N]
//   [--only cart|loms]
// Exits with 1 if the throughput with metrics, logs and traces of 1 % is below the goal.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { parseArgs } from "node:util";
import { CloseStack } from "../../shared/lifecycle.ts";
import type { Runtime } from "../../stack/processes/runtimes.ts";
import { DEFAULT_RUNTIME } from "../../stack/services.ts";
import { median } from "../statistics.ts";
import { benchCart, benchLoms, type Round, startSubjects, type Subject } from "./bench.ts";
import { levels } from "./levels.ts";

const GOAL = 0.85;
const GOAL_LEVEL = "+ traces of 1 %";
const STOP_MAX_MS = 60_000;
const BENCHES = { cart: benchCart, loms: benchLoms } as const;
const NAMES = {
  cart: "cart: add and list in turn over HTTP",
  loms: "loms: OrderCreate over gRPC",
} as const;

type Part = keyof typeof BENCHES;

/** The rounds of one level. */
interface Measured {
  readonly level: string;
  readonly rounds: readonly Round[];
}

const { values } = parseArgs({
  options: {
    runtime: { type: "string" },
    generations: { type: "string", default: "4" },
    rounds: { type: "string", default: "8" },
    only: { type: "string" },
  },
});
const runtime = (values.runtime as Runtime | undefined) ?? DEFAULT_RUNTIME;

let isWithinGoal = true;
for (const part of ["cart", "loms"] as const) {
  if (values.only && values.only !== part) continue;
  const measured: Measured[] = [];
  for (let generation = 0; generation < Number(values.generations); generation++) {
    measured.push(...await measureGeneration(part));
  }
  report(part, measured);
}
process.exitCode = isWithinGoal ? 0 : 1;

/** The rounds of one process for each level. */
async function measureGeneration(part: Part): Promise<Measured[]> {
  const opened = new CloseStack(STOP_MAX_MS);
  try {
    const collector = await startCollector();
    opened.push("the collector", () => collector.close());
    const start = await BENCHES[part](opened);
    const settings = { levels: levels(collector.url), runtime };
    const subjects = await startSubjects(part, start, settings);
    await alternate(subjects, Number(values.rounds));
    // The first round is a warm-up.
    return subjects.map(({ level, rounds }) => ({ level: level.name, rounds: rounds.slice(1) }));
  } finally {
    await opened.close();
  }
}

async function alternate(subjects: readonly Subject[], rounds: number): Promise<void> {
  for (let round = 0; round <= rounds; round++) {
    // The order changes, so that no level always follows the same one.
    const from = round % subjects.length;
    const order = [...subjects.slice(from), ...subjects.slice(0, from)];
    for (const subject of round % 2 === 0 ? order : order.toReversed()) await subject.measure();
  }
}

function report(part: Part, measured: readonly Measured[]): void {
  const roundsOf = new Map(
    [...Map.groupBy(measured, ({ level }) => level)]
      .map(([level, generations]) => [level, generations.flatMap(({ rounds }) => rounds)]),
  );
  const [bare = []] = roundsOf.values();
  console.log(`${NAMES[part]}, on ${runtime}`);
  console.log(`${"".padEnd(20)} per CPU second   of bare   per second   of bare`);
  for (const [level, rounds] of roundsOf) {
    const [cpu, cpuRatio] = compare(rounds, bare, ({ perCpuSecond }) => perCpuSecond);
    const [wall, wallRatio] = compare(rounds, bare, ({ perSecond }) => perSecond);
    console.log(
      `${level.padEnd(20)} ${cpu.toFixed(0).padStart(14)}   ${percent(cpuRatio)}` +
        `   ${wall.toFixed(0).padStart(10)}   ${percent(wallRatio)}`,
    );
    if (level === GOAL_LEVEL && cpuRatio < GOAL) isWithinGoal = false;
  }
}

/** The median, and the median ratio of each round to the same round with telemetry off. */
function compare(
  rounds: readonly Round[],
  bare: readonly Round[],
  figure: (round: Round) => number,
): readonly [number, number] {
  const values = rounds.map(figure);
  const ratios = values.map((value, round) => value / figure(bare[round] as Round));
  return [median(values), median(ratios)];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).padStart(5)} %`;
}

/** An OTLP/HTTP endpoint that discards spans. */
async function startCollector(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => response.writeHead(200).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
