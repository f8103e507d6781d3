// What it costs to be seen: cart's add and list and loms' OrderCreate with everything off, with
// metrics, with logs, and with traces of 1 % and of all requests. Every level is a process of its own;
// the levels take turns in short rounds, so that whatever else the machine does hits all alike, and
// after some rounds new processes take over, since two processes of one kind are not equally fast. A
// figure is the median over all rounds. What counts is how many requests a second of the service's
// own processor time serves, since that is what it serves when it is busy; requests a second of the
// clock beside it share the processors with the load, PostgreSQL and the rest of the machine.
// Usage: node bench/observability/main.ts [--runtime node|deno] [--generations N] [--rounds N] [--only cart|loms]
// Exits with 1 when metrics, logs and traces of 1 % together leave less than the goal.
import process from "node:process";
import { parseArgs } from "node:util";
import { CloseStack } from "../../shared/lifecycle.ts";
import type { Runtime } from "../../stack/processes/runtimes.ts";
import { DEFAULT_RUNTIME } from "../../stack/services.ts";
import { type Round, startSubjects, type Subject } from "./bench.ts";
import { benchCart } from "./cart.ts";
import { startCollector } from "./collector.ts";
import { levels } from "./levels.ts";
import { benchLoms } from "./loms.ts";

const GOAL = 0.85;
const GOAL_LEVEL = "+ traces of 1 %";
const STOP_MAX_MS = 60_000;
const BENCHES = { cart: benchCart, loms: benchLoms } as const;
const NAMES = {
  cart: "cart: pairs of add and list over HTTP",
  loms: "loms: OrderCreate over gRPC",
} as const;

type Part = keyof typeof BENCHES;

/** What the processes of one level did. */
interface Told {
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
  const told: Told[] = [];
  for (let generation = 0; generation < Number(values.generations); generation++) {
    told.push(...await measureGeneration(part));
  }
  tell(part, told);
}
process.exitCode = isWithinGoal ? 0 : 1;

/** The rounds of one process for each level. */
async function measureGeneration(part: Part): Promise<Told[]> {
  const opened = new CloseStack(STOP_MAX_MS);
  try {
    const collector = await startCollector();
    opened.push("the collector", () => collector.close());
    const bench = await BENCHES[part](opened);
    const subjects = await startSubjects(bench, levels(collector.url), runtime, opened);
    await takeTurns(subjects, Number(values.rounds));
    // The first one warmed up.
    return subjects.map(({ level, rounds }) => ({ level: level.name, rounds: rounds.slice(1) }));
  } finally {
    await opened.close();
  }
}

async function takeTurns(subjects: readonly Subject[], rounds: number): Promise<void> {
  for (let round = 0; round <= rounds; round++) {
    // Nobody has the same neighbour every time.
    const from = round % subjects.length;
    const order = [...subjects.slice(from), ...subjects.slice(0, from)];
    for (const subject of round % 2 === 0 ? order : order.toReversed()) await subject.measure();
  }
}

function tell(part: Part, told: readonly Told[]): void {
  const roundsOf = new Map(
    [...Map.groupBy(told, ({ level }) => level)]
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

/** The median, and the median of each round's ratio to that round of the bare one. */
function compare(
  rounds: readonly Round[],
  bare: readonly Round[],
  figure: (round: Round) => number,
): readonly [number, number] {
  const values = rounds.map(figure);
  const ratios = values.map((value, round) => value / figure(bare[round] as Round));
  return [median(values), median(ratios)];
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).padStart(5)} %`;
}
