import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { identify, isRunning, type ProcessIdentity, stopProcess } from "./processes/identity.ts";

/** Time limit for ending the processes of a killed launcher. */
const ENDING = { signals: ["SIGKILL"], timeoutMs: 5_000 } as const;
/** Others may take the lock between two steps; each attempt reads the current one. */
const TRIES_MAX = 5;

interface LockContent {
  readonly launcher: ProcessIdentity;
  /** Services that it started; the next launcher ends those of a killed one. */
  readonly children: readonly ProcessIdentity[];
}

export interface LauncherLock {
  /** Records processes that must not outlive this launcher. */
  record(children: readonly ProcessIdentity[]): void;
  release(): void;
}

/**
 * Makes this process the only launcher of a data directory. The lock is a file that is created
 * atomically and names its owner with its start time. The lock of a killed launcher is thus
 * recognised and taken over, after the processes that it left were ended.
 * @throws {Error} if another launcher runs there
 */
export async function takeLauncherLock(dataDirectory: string): Promise<LauncherLock> {
  const launcher = identify(process.pid);
  if (!launcher) throw new Error("Cannot see this process in the process table");
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const path = join(dataDirectory, "launcher.json");
  const write = (children: readonly ProcessIdentity[]): string => {
    const own = `${path}.${process.pid}`;
    writeFileSync(own, JSON.stringify({ launcher, children }), { mode: 0o600 });
    return own;
  };
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    if (tryLink(write([]), path)) {
      return {
        record: (children) => renameSync(write(children), path),
        release: () => rmSync(path, { force: true }),
      };
    }
    await removeStale(path, dataDirectory);
  }
  throw new Error(`Other launchers keep taking ${dataDirectory}`);
}

function tryLink(own: string, path: string): boolean {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST") throw error;
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

async function removeStale(path: string, dataDirectory: string): Promise<void> {
  const content = read(path);
  if (!content) return;
  const { launcher, children } = content;
  if (isRunning(launcher)) {
    throw new Error(
      `The stack already runs in ${dataDirectory} (process ${launcher.pid}): stop it first`,
    );
  }
  await Promise.all(children.filter(isRunning).map((child) => stopProcess(child, ENDING)));
  // Moved aside first, because another launcher may have replaced the file since it was read.
  const aside = `${path}.stale.${process.pid}`;
  if (!tryRename(path, aside)) return;
  const moved = read(aside);
  if (moved && isRunning(moved.launcher)) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function tryRename(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    return false;
  }
}

function read(path: string): LockContent | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as LockContent;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw new Error(`Cannot read ${path}: remove it when no stack runs there`, { cause: error });
  }
}
