import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../shared/async/clock.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { CloseStack } from "../../shared/lifecycle.ts";
import { SYSTEM_PATH } from "../../stack/processes/child.ts";
import { commandFor, type Runtime } from "../../stack/processes/runtimes.ts";
import { ServiceProcess } from "../../stack/processes/service-process.ts";
import { PROJECT_DIRECTORY } from "../../stack/services.ts";
import type { Level } from "./levels.ts";

const SUBJECT = fileURLToPath(new URL("subject.ts", import.meta.url));
const ROUND_MS = 700;
/** Lets timers and caches settle after a process was suspended. */
const WARM_UP_MS = 150;
/** Concurrent requests: enough to keep a service busy on a processor of its own. */
const CONCURRENCY = 32;

export interface Address {
  readonly url: string;
  readonly grpc?: string;
}

/** The load on a service. */
export interface Bench {
  readonly part: "cart" | "loms";
  /** The settings of a new process. */
  settings(): Promise<Address & { readonly environment: Readonly<Record<string, string>> }>;
  open(address: Address): {
    doOne(): Promise<void>;
    /** Resolves when the service has finished its background work. */
    settled(): Promise<void>;
    close(): void;
  };
}

/** The throughput in a round: requests per second, and per second of the service's CPU time. */
export interface Round {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

export interface Subject {
  readonly level: Level;
  readonly rounds: Round[];
  measure(): Promise<void>;
}

/** One process per level; all are suspended except the one being measured. */
export async function startSubjects(
  bench: Bench,
  levels: readonly Level[],
  runtime: Runtime,
  opened: CloseStack,
): Promise<Subject[]> {
  const logs = mkdtempSync(join(tmpdir(), "marketplace-bench-logs-"));
  opened.push("the logs", () => Promise.resolve(rmSync(logs, { recursive: true, force: true })));
  const subjects: Subject[] = [];
  for (const level of levels) {
    const { environment, ...address } = await bench.settings();
    const process = new ServiceProcess({
      name: bench.part,
      command: [...commandFor(runtime, SUBJECT, ["-A"]), bench.part],
      directory: PROJECT_DIRECTORY,
      environment: { PATH: SYSTEM_PATH, LOG_FORMAT: "json", ...environment, ...level.settings },
      readyUrl: `${address.url}/readyz`,
      logPath: join(logs, `${subjects.length}.log`),
      onLine() {},
      onSpawn() {},
      onEnd: (ending) => console.error(`${bench.part} with ${level.name} exited: ${ending}`),
    });
    await process.start();
    opened.push(level.name, () => process.stop());
    process.pause();
    const rounds: Round[] = [];
    const measure = async () => void rounds.push(await round(bench, address, process));
    subjects.push({ level, rounds, measure });
  }
  return subjects;
}

async function round(bench: Bench, address: Address, process: ServiceProcess): Promise<Round> {
  process.resume();
  const { doOne, settled, close } = bench.open(address);
  try {
    await loadFor(WARM_UP_MS, doOne);
    await settled();
    const { pid = 0 } = process.identity ?? {};
    const [cpuBefore, startedAt] = [cpuTimeMs(pid), performance.now()];
    const done = await loadFor(ROUND_MS, doOne);
    const seconds = (performance.now() - startedAt) / 1_000;
    await settled();
    const cpuSeconds = (cpuTimeMs(pid) - cpuBefore) / 1_000;
    return { perSecond: done / seconds, perCpuSecond: done / cpuSeconds };
  } finally {
    close();
    process.pause();
  }
}

/** Runs `doOne` repeatedly, `CONCURRENCY` at once; returns how many finished. */
async function loadFor(durationMs: number, doOne: () => Promise<void>): Promise<number> {
  let isOver = false;
  let done = 0;
  const workers = Array.from({ length: CONCURRENCY }, async () => {
    while (!isOver) {
      await doOne();
      done++;
    }
  });
  await Promise.race([sleep(systemClock, durationMs), ...workers]);
  isOver = true;
  await Promise.all(workers);
  return done;
}

/** The CPU time of all threads of a process since its start, in ms; Linux only. */
function cpuTimeMs(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  let nanoseconds = 0;
  for (const task of readdirSync(tasks)) {
    nanoseconds += Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]);
  }
  return nanoseconds / 1e6;
}
