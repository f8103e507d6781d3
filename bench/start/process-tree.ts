import { readdirSync, readFileSync } from "node:fs";

const TICK_MS = 10;
/** Fields of /proc/<pid>/stat behind the command: parent, then user and system time in ticks. */
const STAT_PARENT = 1;
const STAT_TIMES = [11, 12] as const;
/** The same of children that have ended. */
const STAT_CHILDREN_TIMES = [13, 14] as const;

export interface ProcessFacts {
  readonly pid: number;
  readonly command: string;
  /** Its own processor time, in ms. */
  readonly cpuMs: number;
  /** The processor time of its children that have ended, in ms. */
  readonly endedCpuMs: number;
}

/** A process and all its descendants, from Linux. */
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

/** Proportional set size in MB: memory that processes share counts in parts. */
export function proportionalSetSizeMb(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "")?.[1];
  return Number(kilobytes ?? 0) / 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process is gone.
    return undefined;
  }
}
