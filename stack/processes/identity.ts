import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { sleep, systemClock } from "../../shared/async/request-context.ts";

const STOP_POLL_MS = 5;

/** A process that can be recognised later, when its number may belong to another one. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Its start time, as the operating system reports it. */
  readonly startedAt: string;
}

/** The identity of a running process; undefined if there is none, or only a zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === "linux" ? startFromProc(pid) : startFromPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/** The command line of a process, arguments separated by spaces; "" if it has ended. */
export function commandLine(pid: number): string {
  if (process.platform !== "linux") return ps(pid, "command=") ?? "";
  return readProc(`/proc/${pid}/cmdline`)?.replaceAll("\0", " ") ?? "";
}

/** The direct children of a process. */
export function childrenOf(pid: number): number[] {
  const text = process.platform === "linux"
    ? readProc(`/proc/${pid}/task/${pid}/children`)
    : outputOf("pgrep", ["-P", String(pid)]);
  return (text ?? "").split(/\s+/).filter((part) => part !== "").map(Number);
}

/** Signals a process and then its children; ended ones are skipped. */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  sendSignal(pid, signal);
  for (const child of childrenOf(pid)) sendSignal(child, signal);
}

/** Sends a signal; a process that has ended is not an error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["ESRCH", "ENOENT"].includes(code)) throw error;
  }
}

/** Resumes a process and sends each signal in turn until it has ended. */
export async function stopProcess(
  identity: ProcessIdentity,
  { signals, timeoutMs }: {
    readonly signals: readonly NodeJS.Signals[];
    readonly timeoutMs: number;
  },
): Promise<void> {
  signalTree(identity.pid, "SIGCONT");
  for (const signal of signals) {
    if (!isRunning(identity)) return;
    sendSignal(identity.pid, signal);
    const deadline = performance.now() + timeoutMs;
    while (isRunning(identity) && performance.now() < deadline) {
      await sleep(systemClock, STOP_POLL_MS);
    }
  }
}

/** Fields of /proc/<pid>/stat after the command, which may contain spaces and parentheses. */
const STAT_STATE = 0;
const STAT_START_TICKS = 19;

function startFromProc(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields?.[STAT_STATE] === "Z" ? undefined : fields?.[STAT_START_TICKS];
}

function startFromPs(pid: number): string | undefined {
  const state = ps(pid, "stat=");
  return state === undefined || state.startsWith("Z") ? undefined : ps(pid, "lstart=");
}

function ps(pid: number, format: string): string | undefined {
  return outputOf("ps", ["-o", format, "-p", String(pid)])?.trim();
}

function outputOf(command: string, args: readonly string[]): string | undefined {
  return orUndefined(() => execFileSync(command, args, { encoding: "utf8" }));
}

function readProc(path: string): string | undefined {
  return orUndefined(() => readFileSync(path, "utf8"));
}

/** Undefined if the process is gone. */
function orUndefined(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
