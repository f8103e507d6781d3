import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { identify, type ProcessIdentity } from "./identity.ts";

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly directory?: string;
  /** Opens a pipe to its standard input, which is empty otherwise. */
  readonly input?: "pipe";
  /** Opens a channel for messages. */
  readonly messages?: boolean;
  /** A file descriptor that takes stdout and stderr; without it they are pipes. */
  readonly output?: number;
  /** What the child gets when this process dies without closing it. */
  readonly deathSignal: NodeJS.Signals;
  /** Arguments of setpriv that change the account, see `postgresAccount()`. */
  readonly account?: readonly string[];
}

/** How a process ended: "exit code 1" or "SIGKILL". */
export type Ending = string;

export interface Child {
  readonly pid: number;
  readonly identity: ProcessIdentity | undefined;
  readonly process: ChildProcess;
  /** Resolves once the process has ended; never rejects. */
  readonly ended: Promise<Ending>;
  /** How it ended, once it has. */
  ending(): Ending | undefined;
}

/** Where the system's own programs lie (setpriv, cp), whatever the caller's PATH says. */
export const SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin";

/**
 * Runs what follows its first argument, unless the process of that number is its parent no more.
 */
const UNLESS_ORPHANED = 'test "$PPID" = "$1" && shift && exec "$@"';

let canDieWithParent: boolean | undefined;

/** Whether util-linux' setpriv is here. The one of busybox knows no `--pdeathsig`. */
export function hasSetpriv(): boolean {
  canDieWithParent ??= process.platform === "linux" &&
    spawnSync("setpriv", ["--pdeathsig", "KILL", "true"], {
        stdio: "ignore",
        env: { PATH: SYSTEM_PATH },
      }).status === 0;
  return canDieWithParent;
}

/**
 * Starts a process in a session of its own, so that a terminal's Ctrl-C reaches the launcher alone
 * and the parts are stopped in order. Where the system allows it (Linux with setpriv) the kernel
 * signals the child as soon as this process is gone, even by kill -9; elsewhere the next start
 * finds it by what was recorded.
 * @throws {Error} when the command cannot be started
 */
export async function spawnChild(options: ChildOptions): Promise<Child> {
  const [command, ...args] = [...dyingWithParent(options), options.command, ...options.args];
  const { input = "ignore", output = "pipe", messages = false } = options;
  const child = spawn(command as string, args, {
    cwd: options.directory,
    env: options.environment,
    stdio: messages ? [input, output, output, "ipc"] : [input, output, output],
    detached: true,
  });
  let ending: Ending | undefined;
  const ended = new Promise<Ending>((resolve) => {
    child.once("exit", (code, signal) => {
      ending = signal ?? `exit code ${code}`;
      resolve(ending);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  const pid = child.pid as number;
  return { pid, identity: identify(pid), process: child, ended, ending: () => ending };
}

/** The command in front of another one that ties its life to ours. */
function dyingWithParent({ account = [], deathSignal }: ChildOptions): string[] {
  if (!hasSetpriv()) return [];
  const setpriv = ["setpriv", ...account, "--pdeathsig", deathSignal.slice(3), "--"];
  // This process may end before setpriv registers the signal; then nothing would end the child.
  return [...setpriv, "/bin/sh", "-c", UNLESS_ORPHANED, "sh", String(process.pid)];
}
