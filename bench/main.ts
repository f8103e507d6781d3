// Runs the benches, each compared with its reference, and prints a table of their results.
// docs/performance.md describes each of them. Results go to bench/results. Exits with 1 if a bench
// could not measure or a promise of the contract was broken; a missed goal is shown as missed.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { CloseStack } from "../shared/lifecycle.ts";
import { type Arguments, readArguments, USAGE } from "./arguments.ts";
import { BENCHES } from "./benches.ts";
import { svgOf } from "./curve.ts";
import { type Bench, Lab } from "./lab.ts";
import { describeMachine } from "./machine.ts";
import { goalTable, markdown, type Ran, subjectTable } from "./report.ts";

const RESULTS = fileURLToPath(new URL("results", import.meta.url));
const CLOSE_MAX_MS = 60_000;

const names = BENCHES.map(({ name }) => name);
let opened = new CloseStack(CLOSE_MAX_MS);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void opened.close().finally(() => process.exit(130)));
}
try {
  process.exitCode = await run(readArguments(process.argv.slice(2), names));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
  process.exitCode = 2;
}

async function run(chosen: Arguments): Promise<number> {
  const machine = await describeMachine();
  const ran: Ran[] = [];
  for (const bench of BENCHES.filter(({ name }) => chosen.benches.includes(name))) {
    const result = await runBench(bench, chosen);
    ran.push(result);
    say(result.lab.subjects.length > 0 ? subjectTable(result.lab.subjects) : "");
  }
  write(chosen, ran, machine);
  process.stdout.write(`\n${goalTable(ran)}\n`);
  const wrong = ran.flatMap(({ bench, lab, failure }) =>
    [...lab.broken, ...(failure ? [failure] : [])].map((text) => `${bench.name}: ${text}`)
  );
  for (const line of wrong) say(line);
  return wrong.length > 0 ? 1 : 0;
}

async function runBench(bench: Bench, { isQuick, rounds }: Arguments): Promise<Ran> {
  opened = new CloseStack(CLOSE_MAX_MS);
  const lab = new Lab({ isQuick, rounds, opened, say });
  const startedAt = performance.now();
  say(`\n${bench.name}: ${bench.title}`);
  let failure: string | undefined;
  try {
    await bench.run(lab);
  } catch (error) {
    [failure = ""] = (error as Error).message.split("\n");
    say(String((error as Error).stack));
  }
  await opened.close().catch((error: AggregateError) => say(error.errors.join("\n")));
  return { bench, lab, seconds: (performance.now() - startedAt) / 1_000, failure };
}

/** A full run, a quick run and a partial run have a file each. */
function write(chosen: Arguments, ran: readonly Ran[], machine: Readonly<Record<string, string>>) {
  const { isQuick, rounds, benches, out = RESULTS } = chosen;
  const isWhole = benches.length === names.length;
  const name = isWhole ? (isQuick ? "quick" : "full") : "part";
  const command = ["npm run bench", ...(isWhole ? [] : benches), ...(isQuick ? ["--quick"] : [])];
  const shown = command.length === 1
    ? command[0]
    : [command[0], "--", ...command.slice(1)].join(" ");
  const pathOf = (curve: string) => `${name}-${curve.toLowerCase().replaceAll(/\W+/g, "-")}.svg`;
  mkdirSync(out, { recursive: true });
  const text = markdown(ran, machine, { command: shown ?? "", rounds, pathOf });
  writeFileSync(join(out, `${name}.md`), text);
  writeFileSync(join(out, `${name}.json`), json({ command: shown, machine, rounds, ran }));
  for (const curve of ran.flatMap(({ lab }) => lab.curves)) {
    writeFileSync(join(out, pathOf(curve.name)), svgOf(curve));
  }
}

function json(
  { ran, ...rest }: { readonly ran: readonly Ran[] } & Readonly<Record<string, unknown>>,
): string {
  const benches = ran.map(({ bench, lab, seconds, failure }) => ({
    ...{ name: bench.name, title: bench.title, seconds, failure, broken: lab.broken },
    goals: bench.goals.map((goal) => ({ ...goal, ...lab.outcomes.get(goal) })),
    subjects: lab.subjects,
    curves: lab.curves,
  }));
  // The answers of a load are not a measurement.
  const drop = (key: string, value: unknown) => key === "answers" ? undefined : value;
  return `${JSON.stringify({ ...rest, benches }, drop, 1)}\n`;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
