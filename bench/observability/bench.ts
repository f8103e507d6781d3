import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CloseStack } from "../../shared/lifecycle.ts";
import { SYSTEM_PATH } from "../../stack/processes/child.ts";
import { commandFor, type Runtime } from "../../stack/processes/runtimes.ts";
import { ServiceProcess } from "../../stack/processes/service-process.ts";
import { PROJECT_DIRECTORY } from "../../stack/services.ts";
import { cpuTimeMs } from "./cpu-time.ts";
import type { Level } from "./levels.ts";
import { loadFor, warmUp } from "./load.ts";

const SUBJECT = fileURLToPath(new URL("subject.ts", import.meta.url));
const ROUND_MS = 700;

export interface Address {
  readonly url: string;
  readonly grpc?: string;
}

/** What is asked of a service, again and again. */
export interface Bench {
  readonly part: "cart" | "loms";
  /** For one process of its own. */
  settings(): Promise<Address & { readonly environment: Readonly<Record<string, string>> }>;
  open(address: Address): {
    doOne(): Promise<void>;
    /** Resolves when the service has done all that was asked of it. */
    settled(): Promise<void>;
    close(): void;
  };
}

/** What a service did in a round: requests a second, and per second of its own processor time. */
export interface Round {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

export interface Subject {
  readonly level: Level;
  readonly rounds: Round[];
  measure(): Promise<void>;
}

/** A process for each level, all frozen but the one that is measured. */
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
      onEnd: (ending) => console.error(`${bench.part} with ${level.name} has ended: ${ending}`),
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
    await warmUp(doOne);
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
