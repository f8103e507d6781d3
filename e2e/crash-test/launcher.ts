import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { StackFacts } from "../../stack/stack-file.ts";
import type { Part } from "../../stack/start.ts";

const PROGRAM = fileURLToPath(new URL("launcher-process.ts", import.meta.url));

export interface ToLauncher {
  readonly id: number;
  readonly action: "kill" | "restart";
  readonly part: Part;
}

export type FromLauncher =
  | { readonly facts: StackFacts }
  /** A message was processed. */
  | { readonly id: number; readonly failure?: string }
  /** A part ended without being stopped. */
  | { readonly ended: string };

/** A stack whose launcher is a process that can be killed. */
export class Launcher {
  readonly #environment: Readonly<Record<string, string>>;
  readonly #onEnd: (ended: string) => void;
  readonly #waiting = new Map<number, (failure: string | undefined) => void>();
  #child: ChildProcess | undefined;
  #facts: StackFacts | undefined;
  #lastId = 0;

  constructor(options: {
    /** Settings of the stack. */
    readonly environment: Readonly<Record<string, string>>;
    readonly dataDirectory: string;
    /** Called with parts that end without being stopped. */
    readonly onEnd: (ended: string) => void;
  }) {
    this.#environment = { ...options.environment, CRASH_DATA: options.dataDirectory };
    this.#onEnd = options.onEnd;
  }

  /** Of the stack that was started last. */
  get facts(): StackFacts {
    if (!this.#facts) throw new Error("The stack was not started");
    return this.#facts;
  }

  /** Resolves once every part is ready. */
  async start(): Promise<void> {
    // A separate session: a terminal's Ctrl-C must reach only the crash test, which then stops
    // it.
    const child = fork(PROGRAM, {
      env: { ...process.env, ...this.#environment },
      detached: true,
    });
    this.#child = child;
    this.#facts = await new Promise<StackFacts>((resolve, reject) => {
      child.once("exit", (code, signal) => {
        const ending = signal ?? `exit code ${code}`;
        reject(new Error(`The launcher has ended: ${ending}`));
        for (const done of this.#waiting.values()) done(ending);
      });
      child.on("message", (message: FromLauncher) => {
        if ("facts" in message) resolve(message.facts);
        else if ("ended" in message) this.#onEnd(message.ended);
        else this.#waiting.get(message.id)?.(message.failure);
      });
    });
  }

  /** kill -9 of the launcher, which ends the whole stack. */
  async killLauncher(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  /** kill -9 of a part. */
  kill(part: Part): Promise<void> {
    return this.#send("kill", part);
  }

  /** Starts a killed part again; resolves once it is ready. */
  restart(part: Part): Promise<void> {
    return this.#send("restart", part);
  }

  /** Stops everything in order. */
  async close(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.disconnect();
    await ended;
  }

  async #send(action: ToLauncher["action"], part: Part): Promise<void> {
    const id = ++this.#lastId;
    const failure = await new Promise<string | undefined>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child?.send({ id, action, part } satisfies ToLauncher);
    });
    this.#waiting.delete(id);
    if (failure !== undefined) throw new Error(`Cannot ${action} ${part}: ${failure}`);
  }
}
