import { readdirSync, readFileSync } from "node:fs";

const TICK_MS = 10;
/** Fields of /proc/<pid>/stat after the command: parent, then user and system time in ticks. */
const STAT_PARENT = 1;
const STAT_TIMES = [11, 12] as const;
/** The times of exited children. */
const STAT_CHILDREN_TIMES = [13, 14] as const;

export interface ProcessFacts {
  readonly pid: number;
  readonly command: string;
  /** Its own CPU time, in ms. */
  readonly cpuMs: number;
  /** The CPU time of its exited children, in ms. */
  readonly endedCpuMs: number;
}

/** A process and all its descendants; Linux only. */
export function processTree(root: number): ProcessFacts[] {
  const parents = new Map<number, { parent: number; cpuMs: number; endedCpuMs: number }>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : undefined;
    if (stat === undefined) continue;
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
    const ms = ([user, system]: readonly [number, number]) =>
      ((fields[user] ?? 0) + (fields[system] ?? 0)) * TICK_MS;
    parents.set(Number(name), {
      parent: fields[STAT_PARENT] ?? 0,
      cpuMs: ms(STAT_TIMES),
      endedCpuMs: ms(STAT_CHILDREN_TIMES),
    });
  }
  const isBelow = (pid: number): boolean =>
    pid === root || isBelowParent(parents.get(pid)?.parent ?? 0);
  const isBelowParent = (pid: number): boolean => pid > 1 && isBelow(pid);
  return [...parents].filter(([pid]) => isBelow(pid)).map(([pid, { cpuMs, endedCpuMs }]) => ({
    ...{ pid, cpuMs, endedCpuMs },
    command: (read(`/proc/${pid}/cmdline`) ?? "").replaceAll("\0", " ").trim(),
  }));
}

/** Proportional set size in MB: each process has its share of shared memory. */
export function proportionalSetSizeMb(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "")?.[1];
  return Number(kilobytes ?? 0) / 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process has exited.
    return undefined;
  }
}
