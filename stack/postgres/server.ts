import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../shared/async/clock.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { type Child, type Ending, spawnChild, SYSTEM_PATH } from "../processes/child.ts";
import {
  commandLine,
  identify,
  isRunning,
  type ProcessIdentity,
  sendSignal,
  signalTree,
} from "../processes/identity.ts";
import { postgresAccount } from "./account.ts";
import { renderSettings, type Settings } from "./settings.ts";

/** Recovery after a crash replays up to 1 GB of WAL. */
const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 5;
/** How long each signal may take before the next, harder one. */
const STOP_TIMEOUT_MS = 10_000;
/** After kill -9 the backends end on their own; until then no new server starts. */
const BACKENDS_GONE_TIMEOUT_MS = 5_000;
/** The log file starts anew when it has grown beyond this, in bytes. */
const LOG_MAX_BYTES = 4 << 20;
/** Line of postmaster.pid that says how far the start is; "ready" when it takes connections. */
const STATUS_LINE = 7;

/** One PostgreSQL server as a child process. */
export class PostgresServer {
  readonly name: string;
  readonly directory: string;
  readonly #program: string;
  readonly #onEnd: (ending: Ending) => void;
  #child: Child | undefined;
  #expectedToEnd = false;

  constructor(options: {
    readonly name: string;
    readonly directory: string;
    readonly program: string;
    /** Called when the server ends unexpectedly. */
    readonly onEnd: (ending: Ending) => void;
  }) {
    this.name = options.name;
    this.directory = options.directory;
    this.#program = options.program;
    this.#onEnd = options.onEnd;
  }

  /** Writes the settings, which the next start reads. */
  configure(settings: Settings): void {
    writeFileSync(join(this.directory, "postgresql.conf"), renderSettings(settings));
  }

  /** Starts the server and waits until it takes connections. */
  async start(): Promise<void> {
    await stopLeftover(this.directory);
    const deadline = performance.now() + BACKENDS_GONE_TIMEOUT_MS;
    for (;;) {
      const logStart = this.#logSize();
      const ending = await this.#startOnce();
      if (ending === undefined) return;
      const said = readFileSync(this.logPath, "utf8").slice(logStart).trim();
      const backendsRemain = said.includes("shared memory block");
      if (!backendsRemain || performance.now() > deadline) {
        throw new Error(`PostgreSQL (${this.name}) did not start, ${ending}:\n${said}`);
      }
      await sleep(systemClock, POLL_MS * 20);
    }
  }

  /** Stops the server in order: no new connections, work rolled back, everything written. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#expectedToEnd = true;
    if (child.identity) await stopProcess(child.identity);
    await child.ended;
  }

  /** Stops the server if it runs, and starts it on the same port and data. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** kill -9 of the server; its backends notice and end. */
  async kill(): Promise<void> {
    this.#expectedToEnd = true;
    if (this.#child) sendSignal(this.#child.pid, "SIGKILL");
    await this.#child?.ended;
  }

  /** Freezes the server with all its backends, as an overloaded machine would. */
  pause(): void {
    if (this.#child) signalTree(this.#child.pid, "SIGSTOP");
  }

  resume(): void {
    if (this.#child) signalTree(this.#child.pid, "SIGCONT");
  }

  get logPath(): string {
    return `${this.directory}.log`;
  }

  #logSize(): number {
    return existsSync(this.logPath) ? statSync(this.logPath).size : 0;
  }

  /** @returns undefined when it is ready, or how it ended */
  async #startOnce(): Promise<Ending | undefined> {
    if (this.#logSize() > LOG_MAX_BYTES) rmSync(this.logPath);
    const output = openSync(this.logPath, "a", 0o600);
    try {
      this.#child = await spawnChild({
        command: this.#program,
        args: ["-D", this.directory],
        environment: { LC_ALL: "C", PATH: SYSTEM_PATH },
        output,
        // Leaves at once; the next start replays the WAL.
        deathSignal: "SIGQUIT",
        account: postgresAccount(this.directory),
      });
    } finally {
      closeSync(output);
    }
    return await this.#waitUntilReady(this.#child);
  }

  async #waitUntilReady(child: Child): Promise<Ending | undefined> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (performance.now() < deadline) {
      const ending = child.ending();
      if (ending !== undefined) return ending;
      const lines = readPidFile(this.directory);
      if (Number(lines[0]) === child.pid && lines[STATUS_LINE]?.trim() === "ready") {
        this.#watch(child);
        return undefined;
      }
      await sleep(systemClock, POLL_MS);
    }
    sendSignal(child.pid, "SIGKILL");
    return `not ready within ${READY_TIMEOUT_MS} ms`;
  }

  #watch(child: Child): void {
    this.#expectedToEnd = false;
    void child.ended.then((ending) => {
      if (child === this.#child) this.#child = undefined;
      if (!this.#expectedToEnd) this.#onEnd(ending);
    });
  }
}

/** From the gentlest way to the hardest; a paused server is woken first. */
async function stopProcess(identity: ProcessIdentity): Promise<void> {
  signalTree(identity.pid, "SIGCONT");
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    if (!isRunning(identity)) return;
    sendSignal(identity.pid, signal);
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    while (isRunning(identity) && performance.now() < deadline) {
      await sleep(systemClock, POLL_MS);
    }
  }
}

/** Stops a server that an earlier launcher, killed before it could, has left on a directory. */
export async function stopLeftover(directory: string): Promise<void> {
  const pid = Number(readPidFile(directory)[0]);
  const identity = pid > 0 ? identify(pid) : undefined;
  // The number in an old file may be that of another process by now.
  if (identity && commandLine(pid).includes(directory)) await stopProcess(identity);
}

function readPidFile(directory: string): string[] {
  try {
    return readFileSync(join(directory, "postmaster.pid"), "utf8").split("\n");
  } catch {
    return [];
  }
}
