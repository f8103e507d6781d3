import type { Clock } from "./clock.ts";

export interface LoopOptions {
  readonly clock: Clock;
  /** Resolves with how long to wait until the next step, in ms; 0 goes on at once. */
  readonly step: () => Promise<number>;
  readonly onError: (error: unknown) => void;
  /** The pause after a step that failed; it doubles with each further failure. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
}

/**
 * Does a step again and again, one at a time, until it is closed; a step that fails comes
 * again.
 */
export class Loop {
  readonly #options: LoopOptions;
  #running: Promise<void> | undefined;
  #closed = false;
  #woken = false;
  #failures = 0;
  /** Ends the wait; `wake` does so unless a failure is being waited out. */
  #endWait: (() => void) | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** There is work: the next step comes at once. A pause after a failure stays as long as it is. */
  wake(): void {
    this.#woken = true;
    if (this.#failures === 0) this.#endWait?.();
  }

  /** Lets the step under way finish; no other follows. */
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
    const { step, onError, backoffMs, backoffMaxMs } = this.#options;
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
