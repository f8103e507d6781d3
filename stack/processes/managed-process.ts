import { type Child, type ChildOptions, type Ending, spawnChild } from "./child.ts";
import { type ProcessIdentity, sendSignal, signalTree, stopProcess } from "./identity.ts";

/** How a process is stopped in order: each signal has `timeoutMs` before the next, harder one. */
export interface Stopping {
  readonly signals: readonly NodeJS.Signals[];
  readonly timeoutMs: number;
}

/** A part of the stack that is a process; a new one each time it is started. */
export abstract class ManagedProcess {
  /** The latest, also when it has ended. */
  protected child: Child | undefined;
  readonly #stopping: Stopping;
  readonly #onEnd: (ending: Ending) => void;
  #expectedToEnd = true;

  /** @param onEnd called when the part ends unexpectedly */
  constructor(stopping: Stopping, onEnd: (ending: Ending) => void) {
    this.#stopping = stopping;
    this.#onEnd = onEnd;
  }

  get identity(): ProcessIdentity | undefined {
    return this.child?.identity;
  }

  get #running(): Child | undefined {
    return this.child?.ending() === undefined ? this.child : undefined;
  }

  /** Returns when the part is ready. */
  abstract start(): Promise<void>;

  async stop(): Promise<void> {
    this.#expectedToEnd = true;
    const child = this.#running;
    if (child?.identity) await stopProcess(child.identity, this.#stopping);
    await child?.ended;
  }

  /** Stops the part if it runs, and starts it with the same settings. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#expectedToEnd = true;
    const child = this.#running;
    if (child) sendSignal(child.pid, "SIGKILL");
    await child?.ended;
  }

  /** Freezes it, as an overloaded machine would: its connections stay open and nothing answers. */
  pause(): void {
    if (this.#running) signalTree(this.#running.pid, "SIGSTOP");
  }

  resume(): void {
    if (this.#running) signalTree(this.#running.pid, "SIGCONT");
  }

  /** Starts a process, whose end is expected until it is watched. */
  protected async spawn(options: ChildOptions): Promise<Child> {
    this.#expectedToEnd = true;
    return this.child = await spawnChild(options);
  }

  /** From now on the end of the process is reported. */
  protected watch(child: Child): void {
    this.#expectedToEnd = false;
    void child.ended.then((ending) => {
      if (!this.#expectedToEnd) this.#onEnd(ending);
    });
  }
}
