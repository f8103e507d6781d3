import { readdirSync, readFileSync } from "node:fs";
import { processTree } from "./start/process-tree.ts";

/** A part of the system whose CPU time is measured. */
export interface Part {
  readonly name: string;
  pid(): number;
  /** Without its child processes. */
  readonly isAlone?: boolean;
}

/** The CPU time of each part since its start, in ms; Linux only. */
export function cpuTimes(parts: readonly Part[]): number[] {
  return parts.map(({ pid, isAlone }) => isAlone ? cpuTimeMs(pid()) : cpuTimeOfTree(pid()));
}

/** Microseconds of CPU time per call of each part, between two times of {@link cpuTimes}. */
export function cpuUsPerCall(
  parts: readonly Part[],
  [before, after]: readonly [readonly number[], readonly number[]],
  calls: number,
): Readonly<Record<string, number>> {
  const used = parts.map(({ name }, index) =>
    [name, ((after[index] ?? 0) - (before[index] ?? 0)) * 1_000 / calls] as const
  );
  return Object.fromEntries(used);
}

/** Its children that have ended count, too, such as PostgreSQL's connections. */
function cpuTimeOfTree(root: number): number {
  return processTree(root).reduce(
    (sum, { pid, endedCpuMs }) => sum + cpuTimeMs(pid) + endedCpuMs,
    0,
  );
}

/** Of all threads of a process, in ms; 0 when it has ended. */
function cpuTimeMs(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  let nanoseconds = 0;
  try {
    for (const task of readdirSync(tasks)) {
      nanoseconds += Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]);
    }
  } catch {
    // A thread or the process ended meanwhile.
  }
  return nanoseconds / 1e6;
}
