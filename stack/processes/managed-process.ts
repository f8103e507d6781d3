import { type Child, type ChildOptions, type Ending, spawnChild } from "./child.ts";
import { type ProcessIdentity, sendSignal, signalTree, stopProcess } from "./identity.ts";

/** The signals of an orderly stop: each has `timeoutMs` before the next, harder one. */
export interface Stopping {
  readonly signals: readonly NodeJS.Signals[];
  readonly timeoutMs: number;
}

/** A component that is a process; each start creates a new one. */
export abstract class ManagedProcess {
  /** The latest process, also if it has ended. */
  protected child: Child | undefined;
  readonly #stopping: Stopping;
  readonly #onEnd: (ending: Ending) => void;
  #expectedToEnd = true;

  /** @param onEnd called when the process ends unexpectedly */
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

  /** Returns when the component is ready. */
  abstract start(): Promise<void>;

  async stop(): Promise<void> {
    this.#expectedToEnd = true;
    const child = this.#running;
    if (child?.identity) await stopProcess(child.identity, this.#stopping);
    await child?.ended;
  }

  /** Stops the component if it runs, and starts it with the same settings. */
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

  /** Freezes it like an overloaded machine: connections stay open and nothing answers. */
  pause(): void {
    if (this.#running) signalTree(this.#running.pid, "SIGSTOP");
  }

  resume(): void {
    if (this.#running) signalTree(this.#running.pid, "SIGCONT");
  }

  /** Starts a process. Its end is not reported until it is watched. */
  protected async spawn(options: ChildOptions): Promise<Child> {
    this.#expectedToEnd = true;
    return this.child = await spawnChild(options);
  }

  /** Reports the end of the process from now on. */
  protected watch(child: Child): void {
    this.#expectedToEnd = false;
    void child.ended.then((ending) => {
      if (!this.#expectedToEnd) this.#onEnd(ending);
    });
  }
}
