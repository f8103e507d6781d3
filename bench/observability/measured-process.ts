import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { systemClock } from "../../shared/async/clock.ts";
import { sleep } from "../../shared/async/sleep.ts";
import type { CloseStack } from "../../shared/lifecycle.ts";
import { SYSTEM_PATH } from "../../stack/processes/child.ts";
import { ServiceProcess } from "../../stack/processes/service-process.ts";
import { cpuTimeMs } from "../cpu-time.ts";
import { PROJECT_DIRECTORY } from "../../stack/services.ts";

/** Lets timers and caches settle after a process was suspended. */
const WARM_UP_MS = 150;

export interface MeasuredProcessOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Answers 200 once the process can take load. */
  readonly readyUrl: string;
}

/** What a round measures. */
export interface Load {
  doOne(): Promise<void>;
  /** Resolves when the process has finished its background work. */
  settled?(): Promise<void>;
}

/** The throughput in a round: calls per second, and per second of the process's CPU time. */
export interface Round {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  /** Seconds of CPU time that the load generator, this process, took per second. */
  readonly generatorCpu: number;
}

/** A process that is suspended except while it is measured. */
export interface MeasuredProcess {
  readonly name: string;
  measure(load: Load, durationMs: number, callers: number): Promise<Round>;
}

export async function startMeasured(
  { name, command, environment, readyUrl }: MeasuredProcessOptions,
  opened: CloseStack,
): Promise<MeasuredProcess> {
  const logs = mkdtempSync(join(tmpdir(), "marketplace-bench-logs-"));
  opened.push("the logs", () => Promise.resolve(rmSync(logs, { recursive: true, force: true })));
  const service = new ServiceProcess({
    name,
    command: [...command],
    directory: PROJECT_DIRECTORY,
    environment: { PATH: SYSTEM_PATH, LOG_FORMAT: "json", ...environment },
    readyUrl,
    logPath: join(logs, "log"),
    onLine() {},
    onSpawn() {},
    onEnd: (ending) => console.error(`${name} exited: ${ending}`),
  });
  await service.start();
  opened.push(name, () => service.stop());
  service.pause();
  return {
    name,
    async measure(load, durationMs, callers) {
      service.resume();
      try {
        await loadFor(WARM_UP_MS, load, callers);
        await load.settled?.();
        return await measureRound(service.identity?.pid ?? 0, load, durationMs, callers);
      } finally {
        service.pause();
      }
    },
  };
}

async function measureRound(
  pid: number,
  load: Load,
  durationMs: number,
  callers: number,
): Promise<Round> {
  const [cpuBefore, ownBefore, startedAt] = [cpuTimeMs(pid), process.cpuUsage(), performance.now()];
  const done = await loadFor(durationMs, load, callers);
  const seconds = (performance.now() - startedAt) / 1_000;
  const own = process.cpuUsage(ownBefore);
  await load.settled?.();
  const cpuSeconds = (cpuTimeMs(pid) - cpuBefore) / 1_000;
  return {
    perSecond: done / seconds,
    perCpuSecond: done / cpuSeconds,
    generatorCpu: (own.user + own.system) / 1e6 / seconds,
  };
}

/** Repeats `doOne` for each caller; returns how many calls ended. */
async function loadFor(durationMs: number, { doOne }: Load, callers: number): Promise<number> {
  let isOver = false;
  let done = 0;
  const workers = Array.from({ length: callers }, async () => {
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
