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
  /** A file descriptor for stdout and stderr; by default they are pipes. */
  readonly output?: number;
  /** The signal for the child when this process dies without closing it. */
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

/** Folders of the system's programs (setpriv, cp), independent of the caller's PATH. */
export const SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin";

/**
 * Runs the command after its first argument, unless the process with that number is no longer its
 * parent.
 */
const UNLESS_ORPHANED = 'test "$PPID" = "$1" && shift && exec "$@"';

let canDieWithParent: boolean | undefined;

/** Whether util-linux' setpriv is installed. The one of busybox has no `--pdeathsig`. */
export function hasSetpriv(): boolean {
  canDieWithParent ??= process.platform === "linux" &&
    spawnSync("setpriv", ["--pdeathsig", "KILL", "true"], {
        stdio: "ignore",
        env: { PATH: SYSTEM_PATH },
      }).status === 0;
  return canDieWithParent;
}

/**
 * Starts a process in a session of its own, so that a terminal's Ctrl-C reaches the launcher only,
 * which stops the components in order. On Linux with setpriv, the kernel signals the child when
 * this process ends, even by kill -9. Elsewhere the next start finds it by its recorded identity.
 * @throws {Error} if the command cannot be started
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

/** The command prefix that ties a command's life to ours. */
function dyingWithParent({ account = [], deathSignal }: ChildOptions): string[] {
  if (!hasSetpriv()) return [];
  const setpriv = ["setpriv", ...account, "--pdeathsig", deathSignal.slice(3), "--"];
  // If this process ended before setpriv registers the signal, nothing would end the child.
  return [...setpriv, "/bin/sh", "-c", UNLESS_ORPHANED, "sh", String(process.pid)];
}
