import type { Bench, Goal, Lab, Outcome, Subject } from "./lab.ts";
import type { Measured } from "./load/load.ts";
import { isLimited } from "./rounds.ts";
import { median, spreadOf } from "./statistics.ts";
import { table } from "./table.ts";

/** A bench that ran, with its results, and why it ended early, if it did. */
export interface Ran {
  readonly bench: Bench;
  readonly lab: Lab;
  readonly seconds: number;
  readonly failure: string | undefined;
}

/** The table of all goals, one line each. */
export function goalTable(ran: readonly Ran[]): string {
  const rows = ran.flatMap(({ bench, lab, failure }) =>
    bench.goals.map((goal) => goalRow(goal, lab.outcomes.get(goal), failure))
  );
  return table([["bench", "what", "compared with", "goal", "measured", "", "notes"], ...rows]);
}

function goalRow(goal: Goal, outcome: Outcome | undefined, failure: string | undefined) {
  const { values, notes } = outcome ?? { values: [], notes: [failure ?? "did not report"] };
  return [
    goal.bench,
    goal.what,
    goal.reference ?? "",
    shownGoal(goal),
    values.length === 0 ? "not measured" : `${shown(values)} ${goal.unit}`,
    verdict(goal, values),
    notes.join("; "),
  ];
}

function shownGoal({ atLeast, atMost, unit }: Goal): string {
  if (atLeast !== undefined) return `≥ ${atLeast} ${unit}`;
  return atMost === undefined ? "stated" : `≤ ${atMost} ${unit}`;
}

/** Whether the median reaches the goal; empty without a goal or a figure. */
export function verdict({ atLeast, atMost }: Goal, values: readonly number[]): string {
  if (values.length === 0 || (atLeast === undefined && atMost === undefined)) return "";
  const middle = median(values);
  return middle >= (atLeast ?? -Infinity) && middle <= (atMost ?? Infinity) ? "reached" : "missed";
}

/** min–**median**–max, or one value alone. */
export function shown(values: readonly number[]): string {
  if (values.every(Number.isNaN)) return "";
  const { min, median: middle, max } = spreadOf(values);
  if (values.length === 1) return round(middle);
  return `${round(min)}–**${round(middle)}**–${round(max)}`;
}

function round(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toString();
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

/** Throughput, latencies and CPU time of each subject. */
export function subjectTable(subjects: readonly Subject[]): string {
  const head = [
    ...["subject", "calls/s", "p50, ms", "p99, ms", "steady: calls/s, p50, p99 in ms"],
    ...["CPU time per call, µs", "generator, cores"],
  ];
  return table([head, ...subjects.map(subjectRow)]);
}

function subjectRow({ name, rounds, open }: Subject): string[] {
  const of = (figure: (each: Measured) => number) => rounds.map(figure);
  const parts = Object.keys(rounds[0]?.cpuUs ?? {});
  const cpu = parts.map((part) =>
    `${part} ${median(of(({ cpuUs }) => cpuUs[part] ?? 0)).toFixed(0)}`
  );
  const cores = median(of(({ generatorCores }) => generatorCores));
  const steady = open && [open.perSecond, open.p50_ms, open.p99_ms].map(round).join(", ");
  const failures = Object.entries(rounds.at(-1)?.failed ?? {});
  return [
    name + failures.map(([status, count]) => `, ${count} ${status}`).join(""),
    shown(of(({ perSecond }) => perSecond)),
    shown(of(({ p50_ms }) => p50_ms)),
    shown(of(({ p99_ms }) => p99_ms)),
    steady ?? "",
    cpu.join(", "),
    cores.toFixed(2) + (isLimited(rounds) ? ", may be the limit" : ""),
  ];
}

/** The whole report in Markdown. */
export function markdown(
  ran: readonly Ran[],
  machine: Readonly<Record<string, string>>,
  options: {
    readonly command: string;
    readonly rounds: number;
    /** Of the file of a curve. */
    pathOf(curve: string): string;
  },
): string {
  const facts = Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`);
  const parts = ran.flatMap(({ bench, lab, seconds }) => [
    `\n## ${bench.name}: ${bench.title}\n\n${seconds.toFixed(0)} s.\n`,
    ...(lab.subjects.length > 0 ? [subjectTable(lab.subjects)] : []),
    ...lab.curves.map(({ name }) => `\n![${name}](${options.pathOf(name)})`),
    ...lab.broken.map((broken) => `\n**Broken promise**: ${broken}`),
  ]);
  const lines = [
    `# \`${options.command}\`\n`,
    `${options.rounds} alternating rounds; min–**median**–max over the rounds. Each ratio is taken`,
    `within one round. Steady is an open loop; latency counts from the scheduled time.\n`,
    ...facts,
    "",
    goalTable(ran),
    ...parts,
  ];
  return `${lines.join("\n")}\n`;
}
