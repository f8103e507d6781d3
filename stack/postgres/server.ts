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
import { sleep, systemClock } from "../../shared/async/request-context.ts";
import { type Child, type Ending, SYSTEM_PATH } from "../processes/child.ts";
import { commandLine, identify, sendSignal, stopProcess } from "../processes/identity.ts";
import { ManagedProcess } from "../processes/managed-process.ts";
import { postgresAccount } from "./account.ts";
import { renderSettings, type Settings } from "./settings.ts";

/** Recovery after a crash replays up to 1 GB of WAL. */
const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 5;
/** In order: no new connections, work rolled back, everything written. */
const STOPPING = { signals: ["SIGINT", "SIGQUIT", "SIGKILL"], timeoutMs: 10_000 } as const;
/** After kill -9 the backends end by themselves; until then no new server starts. */
const BACKENDS_GONE_TIMEOUT_MS = 5_000;
/** The log file is emptied when it is larger than this, in bytes. */
const LOG_MAX_BYTES = 4 << 20;
/**
 * The line of postmaster.pid with the progress of the start; "ready" means that it accepts
 * connections.
 */
const STATUS_LINE = 7;

/** One PostgreSQL server as a child process. */
export class PostgresServer extends ManagedProcess {
  readonly name: string;
  readonly directory: string;
  readonly port: number;
  readonly #program: string;

  constructor(options: {
    readonly name: string;
    readonly directory: string;
    /** The port in the settings. */
    readonly port: number;
    readonly program: string;
    /** Called when the server ends unexpectedly. */
    readonly onEnd: (ending: Ending) => void;
  }) {
    super(STOPPING, options.onEnd);
    this.name = options.name;
    this.directory = options.directory;
    this.port = options.port;
    this.#program = options.program;
  }

  /** Writes the settings, which the next start reads. */
  configure(settings: Settings): void {
    writeFileSync(join(this.directory, "postgresql.conf"), renderSettings(settings));
  }

  /** Starts the server and waits until it accepts connections. */
  override async start(): Promise<void> {
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
      const child = await this.spawn({
        command: this.#program,
        args: ["-D", this.directory],
        environment: { LC_ALL: "C", PATH: SYSTEM_PATH },
        output,
        // Ends at once; the next start replays the WAL.
        deathSignal: "SIGQUIT",
        account: postgresAccount(this.directory),
      });
      return await this.#waitUntilReady(child);
    } finally {
      closeSync(output);
    }
  }

  async #waitUntilReady(child: Child): Promise<Ending | undefined> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (performance.now() < deadline) {
      const ending = child.ending();
      if (ending !== undefined) return ending;
      const lines = readPidFile(this.directory);
      if (Number(lines[0]) === child.pid && lines[STATUS_LINE]?.trim() === "ready") {
        this.watch(child);
        return undefined;
      }
      await sleep(systemClock, POLL_MS);
    }
    sendSignal(child.pid, "SIGKILL");
    return `not ready within ${READY_TIMEOUT_MS} ms`;
  }
}

/** Stops a server that a killed launcher has left in a directory. */
export async function stopLeftover(directory: string): Promise<void> {
  const pid = Number(readPidFile(directory)[0]);
  const identity = pid > 0 ? identify(pid) : undefined;
  // The number in an old file may now belong to another process.
  if (identity && commandLine(pid).includes(directory)) await stopProcess(identity, STOPPING);
}

function readPidFile(directory: string): string[] {
  try {
    return readFileSync(join(directory, "postmaster.pid"), "utf8").split("\n");
  } catch {
    return [];
  }
}
