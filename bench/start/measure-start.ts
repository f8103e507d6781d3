import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { sleep, systemClock } from "../../shared/async/request-context.ts";
import { cpuTimes } from "../cpu-time.ts";
import { type ProcessFacts, processTree, proportionalSetSizeMb } from "./process-tree.ts";

const READY_MAX_MS = 60_000;
const POLL_MS = 10;
/** By then memory has settled. */
const IDLE_MS = 3_000;
const WATCHED_MS = 3_000;

/** The name of a process by its command line, in the order of the tables. */
const PROCESSES: readonly (readonly [name: string, command: RegExp])[] = [
  ["npm", /^npm start/],
  ["launcher", /^\S*node stack\/main\.ts/],
  ["initdb", /\/initdb /],
  ["PostgreSQL primary", /^\S*postgres -D \S*\/primary/],
  ["PostgreSQL standby", /^\S*postgres -D \S*\/standby1/],
  ["product stand-in", /^\S+ (run .*)?stack\/products\/main\.ts/],
  ["cart", /^\S+ (run .*)?cart\/main\.ts/],
  ["loms", /^\S+ (run .*)?loms\/main\.ts/],
  ["notifier", /^\S+ (run .*)?notifier\/main\.ts/],
  ["PostgreSQL's processes", /^postgres: /],
];

/** One start, from `npm start` to its end. */
export interface Start {
  /** Until the launcher logs `ready`, in ms. */
  readonly readyMs: number;
  /** CPU time of each process until ready, in ms; "ended" is the sum of exited processes. */
  readonly cpuMs: ReadonlyMap<string, number>;
  /** When each process first appeared, and when each service logged that it listens, in ms. */
  readonly steps: ReadonlyMap<string, number>;
  /** Proportional set size of each process once idle, in MB. */
  readonly memoryMb: ReadonlyMap<string, number>;
  /** Processor time of the idle system, in % of a core. */
  readonly idlePercent: number;
}

/**
 * Starts the system of a checkout with its data in `dataDirectory`, and stops it again.
 * `whenReady` runs at once when it is ready.
 * @throws {Error} if it is not ready within a minute
 */
export async function measureStart(
  directory: string,
  dataDirectory: string,
  whenReady?: () => Promise<void>,
): Promise<Start> {
  const steps = new Map<string, number>();
  const startedAt = performance.now();
  const npm = spawn("npm", ["start", "--", "--free-ports"], {
    cwd: directory,
    env: { ...withoutNpm(process.env), STACK_DATA: dataDirectory, LOG_FORMAT: "json" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const note = (name: string) => {
    if (!steps.has(name)) steps.set(name, performance.now() - startedAt);
  };
  let output = "";
  npm.stderr.on("data", (text) => output += String(text));
  npm.stdout.on("data", (text) => {
    output += String(text);
    for (
      const [, service] of output.matchAll(
        /"service":"(\w+)"[^\n]*"message":"\1 (?:serves|is listening)/g,
      )
    ) {
      note(`${service} listens`);
    }
    if (/"service":"stack"[^\n]*"message":"ready"/.test(output)) note("ready");
  });
  const pid = npm.pid as number;
  try {
    while (!steps.has("ready")) {
      for (const { command } of processTree(pid)) {
        const name = nameOf(command);
        if (name) note(name);
      }
      if (npm.exitCode !== null || performance.now() - startedAt > READY_MAX_MS) {
        throw new Error(`The system in ${directory} did not start:\n${output}`);
      }
      await sleep(systemClock, POLL_MS);
    }
    const tree = processTree(pid);
    await whenReady?.();
    const cpuMs = sumByName(tree, (each) => each.cpuMs);
    cpuMs.set("ended", tree.reduce((sum, each) => sum + each.endedCpuMs, 0));
    await sleep(systemClock, IDLE_MS);
    const memoryMb = sumByName(processTree(pid), (each) => proportionalSetSizeMb(each.pid));
    const idlePercent = await watchIdle(pid);
    const readyMs = steps.get("ready") as number;
    return { readyMs, cpuMs, steps, memoryMb, idlePercent };
  } finally {
    const launcher = processTree(pid).find(({ command }) => nameOf(command) === "launcher");
    process.kill(launcher?.pid ?? pid, "SIGINT");
    if (npm.exitCode === null) await once(npm, "exit");
  }
}

async function watchIdle(pid: number): Promise<number> {
  const usedMs = () => cpuTimes([{ name: "the system", pid: () => pid }])[0] ?? 0;
  const [before, startedAt] = [usedMs(), performance.now()];
  await sleep(systemClock, WATCHED_MS);
  return (usedMs() - before) * 100 / (performance.now() - startedAt);
}

/** Without the variables that npm sets for this script, which would reach the measured one. */
function withoutNpm(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) =>
    !name.startsWith("npm_") && name !== "NODE_COMPILE_CACHE"
  );
  return Object.fromEntries(kept);
}

function nameOf(command: string): string | undefined {
  return PROCESSES.find(([, pattern]) => pattern.test(command))?.[0];
}

function sumByName(
  tree: readonly ProcessFacts[],
  figure: (process: ProcessFacts) => number,
): Map<string, number> {
  const byName = new Map<string, number>();
  for (const process of tree) {
    const name = nameOf(process.command) ?? "others";
    byName.set(name, (byName.get(name) ?? 0) + figure(process));
  }
  return byName;
}
