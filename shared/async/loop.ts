import type { Clock } from "./request-context.ts";

export interface LoopOptions {
  readonly clock: Clock;
  /** Resolves with the time until the next step, in ms; 0 continues at once. */
  readonly step: () => Promise<number>;
  readonly onError: (error: unknown) => void;
  /** The pause after a step that failed; it doubles with each further failure. */
  readonly backoffMs: number;
  /** Default: every such pause is `backoffMs`. */
  readonly backoffMaxMs?: number;
}

/** Repeats a step, one at a time, until it is closed. A failed step is retried after a pause. */
export class Loop {
  readonly #options: LoopOptions;
  #running: Promise<void> | undefined;
  #closed = false;
  #woken = false;
  #failures = 0;
  /** Ends the wait; `wake` calls it, except during a pause after a failure. */
  #endWait: (() => void) | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Starts the next step at once. A pause after a failure is not shortened. */
  wake(): void {
    this.#woken = true;
    if (this.#failures === 0) this.#endWait?.();
  }

  /** Waits for the step in progress; no other follows. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endWait?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      this.#woken = false;
      const waitMs = await this.#step();
      if (!this.#closed && waitMs > 0) await this.#wait(waitMs);
    }
  }

  async #step(): Promise<number> {
    const { step, onError, backoffMs, backoffMaxMs = backoffMs } = this.#options;
    try {
      const waitMs = await step();
      this.#failures = 0;
      return waitMs;
    } catch (error) {
      onError(error);
      return Math.min(backoffMaxMs, backoffMs * 2 ** this.#failures++);
    }
  }

  async #wait(waitMs: number): Promise<void> {
    if (this.#woken && this.#failures === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.setTimer(waitMs, resolve);
      this.#endWait = () => {
        cancel();
        resolve();
      };
    });
    this.#endWait = undefined;
  }
}
