import { readdirSync, readFileSync } from "node:fs";
import { processTree } from "./start/process-tree.ts";

/** A part of the system whose processor time is measured. */
export interface Part {
  readonly name: string;
  pid(): number;
  /** Without the processes below it. */
  readonly isAlone?: boolean;
}

/** The processor time of each part since its start, in ms; Linux only. */
export function cpuTimes(parts: readonly Part[]): number[] {
  return parts.map(({ pid, isAlone }) => isAlone ? cpuTimeMs(pid()) : cpuTimeOfTree(pid()));
}

/** Its children that have ended count, too, such as PostgreSQL's connections. */
function cpuTimeOfTree(root: number): number {
  return processTree(root).reduce(
    (sum, { pid, endedCpuMs }) => sum + cpuTimeMs(pid) + endedCpuMs,
    0,
  );
}

/** Of all threads of a process, in ms; 0 when it has ended. */
export function cpuTimeMs(pid: number): number {
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
