import { readdirSync, readFileSync } from "node:fs";

/** What a process has had of the processors since its start, in ms: all its threads, from Linux. */
export function cpuTimeMs(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  let nanoseconds = 0;
  for (const task of readdirSync(tasks)) {
    nanoseconds += Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]);
  }
  return nanoseconds / 1e6;
}
