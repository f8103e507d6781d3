import type { Clock } from "../async/clock.ts";

/** Lets one loop wait for "there may be work" or a time; a call while nobody waits is remembered. */
export class WakeUp {
  readonly #clock: Clock;
  #called = false;
  #resume: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  call(): void {
    this.#called = true;
    this.#resume?.();
  }

  /** Resolves at the next call, at once if there has been one, and after `timeoutMs` anyway. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#called) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.setTimer(timeoutMs, resolve);
        this.#resume = () => {
          cancel();
          resolve();
        };
      });
      this.#resume = undefined;
    }
    this.#called = false;
  }
}
