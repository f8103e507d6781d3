import { once } from "node:events";
import { closeSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { sleep, systemClock } from "../../shared/async/request-context.ts";
import { SHUTDOWN_GRACE_MS } from "../../shared/lifecycle.ts";
import { START_ON_MESSAGE } from "../../shared/run-service.ts";
import type { Child, Ending } from "./child.ts";
import { LogTail } from "./log-tail.ts";
import { ManagedProcess } from "./managed-process.ts";

// An import evaluates every export, and some of node:http's load undici: 10 ms of each start.
const { Agent, get } = createRequire(import.meta.url)("node:http") as typeof import("node:http");

const READY_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 10;
/** Timeout of one readiness probe, which may hang on an unavailable component. */
const READY_REQUEST_TIMEOUT_MS = 2_000;
/** A service exits within its grace period; only a hanging one is killed. */
const STOPPING = {
  signals: ["SIGTERM", "SIGKILL"],
  timeoutMs: SHUTDOWN_GRACE_MS + 1_000,
} as const;
/** A larger log file is emptied when its service starts, in bytes. */
const LOG_KEPT_BYTES = 16 << 20;
/** How much of its last output is in the error of a failed start. */
const LAST_LINES_MAX = 5;

/** Ignores the proxy settings of the environment. */
const DIRECT = new Agent({ proxyEnv: {} });

export interface ServiceOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Answers 200 once the service is ready. */
  readonly readyUrl: string;
  /** The log file, for stdout and stderr. */
  readonly logPath: string;
  readonly onLine: (line: string) => void;
  /** Called for each new process. */
  readonly onSpawn: () => void;
  /** Called when the service ends unexpectedly. */
  readonly onEnd: (ending: Ending) => void;
}

interface Loaded {
  readonly child: Child;
  /** The start of its lines in the log file, in bytes. */
  readonly logStart: number;
}

/** One service in a separate process. */
export class ServiceProcess extends ManagedProcess {
  readonly #options: ServiceOptions;
  /** A process that waits for the message to start. */
  #loaded: Loaded | undefined;
  #tail: LogTail | undefined;

  constructor(options: ServiceOptions) {
    super(STOPPING, options.onEnd);
    this.#options = options;
  }

  /** Starts the process, and returns once it has loaded its modules or ended. */
  async load(): Promise<void> {
    const child = await this.#load([START_ON_MESSAGE]);
    await Promise.race([once(child.process, "message"), child.ended]);
  }

  /**
   * Starts the service, unless it was loaded, and waits until it is ready.
   * @throws {Error} with its last lines if it ends or takes too long
   */
  override async start(): Promise<void> {
    if (!this.#loaded) await this.#load([]);
    const loaded = this.#loaded as Loaded;
    this.#loaded = undefined;
    if (loaded.child.process.connected) loaded.child.process.send("start");
    await this.#waitUntilReady(loaded);
    this.watch(loaded.child);
  }

  override async stop(): Promise<void> {
    this.#loaded = undefined;
    await super.stop();
    this.#tail?.close();
    this.#tail = undefined;
  }

  async #load(moreArguments: readonly string[]): Promise<Child> {
    const { command: [command = "", ...args], logPath, directory, environment } = this.#options;
    if ((statSync(logPath, { throwIfNoEntry: false })?.size ?? 0) > LOG_KEPT_BYTES) rmSync(logPath);
    const output = openSync(logPath, "a", 0o600);
    try {
      const logStart = statSync(logPath).size;
      this.#tail ??= new LogTail(logPath, this.#options.onLine);
      const child = await this.spawn({
        command,
        args: [...args, ...moreArguments],
        ...{ directory, environment, output },
        messages: moreArguments.length > 0,
        // Killed together with its launcher, so that ports and files are free for the next one.
        deathSignal: "SIGKILL",
      });
      child.process.on("error", () => {});
      this.#loaded = { child, logStart };
      this.#options.onSpawn();
      return child;
    } finally {
      closeSync(output);
    }
  }

  async #waitUntilReady({ child, logStart }: Loaded): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (child.ending() === undefined && performance.now() < deadline) {
      if (await answers(this.#options.readyUrl)) return;
      await Promise.race([child.ended, sleep(systemClock, READY_POLL_MS)]);
    }
    const why = child.ending() ?? `not ready within ${READY_TIMEOUT_MS / 1000} s`;
    await this.kill();
    const words = readFileSync(this.#options.logPath).subarray(logStart).toString("utf8").trim();
    const last = words.split("\n").slice(-LAST_LINES_MAX).map(sentenceOf).join("\n");
    throw new Error(`${this.#options.name} did not start (${why})${last && `:\n${last}`}`);
  }
}

/** Without `fetch`, whose first call takes 30 ms and 10 MB. */
function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: DIRECT, timeout: READY_REQUEST_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
    request.on("close", () => resolve(false));
  });
}

/** The reason or the message in a log line; other text unchanged. */
function sentenceOf(line: string): string {
  try {
    const { message, exception_message } = JSON.parse(line) as {
      readonly message?: string;
      readonly exception_message?: string;
    };
    return exception_message ?? message ?? line;
  } catch {
    return line;
  }
}
