import type { Clock } from "../async/clock.ts";
import { AppError } from "../errors.ts";

/** Advice to a caller that found the queue full: a statement takes milliseconds. */
const RETRY_AFTER_MS = 1_000;

/** As many statements at once as there are connections; the others wait in order. */
export class Permits {
  readonly #clock: Clock;
  readonly #waitingMax: number;
  readonly #total: number;
  #free: number;
  readonly #waiting = new Set<() => void>();
  #onIdle = () => {};

  constructor(total: number, waitingMax: number, clock: Clock) {
    this.#total = total;
    this.#free = total;
    this.#waitingMax = waitingMax;
    this.#clock = clock;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Throws AppError `deadline_exceeded` when none came free in time, `resource_exhausted` when too
   * many wait already.
   */
  async take(timeoutMs: number): Promise<void> {
    if (timeoutMs <= 0) throw new AppError("deadline_exceeded", "the deadline has passed");
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    if (this.#waiting.size >= this.#waitingMax) {
      throw new AppError("resource_exhausted", `${this.#waitingMax} statements wait already`, {
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
    await new Promise<void>((resolve, reject) => {
      const onPermit = () => {
        cancelTimer();
        resolve();
      };
      const cancelTimer = this.#clock.setTimer(timeoutMs, () => {
        this.#waiting.delete(onPermit);
        reject(new AppError("deadline_exceeded", "no database connection came free in time"));
      });
      this.#waiting.add(onPermit);
    });
  }

  give(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#free++;
      if (this.#free === this.#total) this.#onIdle();
      return;
    }
    this.#waiting.delete(next);
    next();
  }

  /** Resolves once nothing is under way, or after `timeoutMs` all the same. */
  async idle(timeoutMs: number): Promise<void> {
    if (this.#free === this.#total) return;
    await new Promise<void>((resolve) => {
      const cancelTimer = this.#clock.setTimer(timeoutMs, resolve);
      this.#onIdle = () => {
        cancelTimer();
        resolve();
      };
    });
  }
}
