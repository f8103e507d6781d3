import { Loop } from "../async/loop.ts";
import type { Clock } from "../async/request-context.ts";

// A consumer can hang without an error: a fetch that is never answered, a restart or a handler that
// never ends. Its process then answers /healthz, processes nothing, and keeps its partitions. The
// watchdog turns that into a failure, so that the process exits and a new one continues from the
// last commit. Exiting too early loses nothing. An outage of the bus is no reason to exit: silence
// counts only while the bus answers a probe.

export interface WatchLimits {
  /** Time without a sign of life. Longer than a rebalance plus a session timeout, 40 s. */
  readonly silenceMaxMs: number;
  /** Maximum time of one call of a handler; the deadlines of handlers are far shorter. */
  readonly handlerMaxMs: number;
  /** Interval of the checks. */
  readonly everyMs: number;
}

const WATCH_LIMITS: WatchLimits = {
  silenceMaxMs: 60_000,
  handlerMaxMs: 120_000,
  everyMs: 5_000,
};
/** A check that is this many intervals late means that the process was suspended. */
const LATE_CHECKS = 3;

export interface WatchdogOptions {
  readonly clock: Clock;
  readonly limits?: WatchLimits | undefined;
  /** Rejects while the bus is unavailable. */
  readonly probe: () => Promise<unknown>;
  /** Called at most once. */
  readonly onStuck: (error: Error) => void;
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #limits: WatchLimits;
  readonly #loop: Loop;
  /** The running calls of a handler, oldest first. */
  readonly #calls = new Set<{ startedAt: number }>();
  #lastSign = 0;
  #lastCheck: number;
  #isOver = false;

  constructor(options: WatchdogOptions) {
    const { clock, limits = WATCH_LIMITS } = options;
    this.#options = options;
    this.#limits = limits;
    this.#lastCheck = clock.now();
    this.#loop = new Loop({
      clock,
      step: () => this.#check().then(() => limits.everyMs),
      onError: () => {},
      backoffMs: limits.everyMs,
    });
  }

  start(): void {
    this.sign();
    this.#loop.start();
  }

  /** Records a sign of life of the consumer. */
  sign(): void {
    this.#lastSign = this.#options.clock.now();
  }

  /** Runs a handler, whose duration the watchdog checks. */
  async handle<Result>(handler: () => Promise<Result>): Promise<Result> {
    const call = { startedAt: this.#options.clock.now() };
    this.#calls.add(call);
    try {
      return await handler();
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Stops the checks; does not wait for a check in progress. */
  close(): void {
    this.#isOver = true;
    void this.#loop.close();
  }

  async #check(): Promise<void> {
    const { clock, probe } = this.#options;
    const { everyMs, handlerMaxMs, silenceMaxMs } = this.#limits;
    const now = clock.now();
    if (now - this.#lastCheck > everyMs * LATE_CHECKS) {
      this.sign();
      for (const call of this.#calls) call.startedAt = now;
    }
    const [oldest] = this.#calls;
    const handledMs = oldest ? now - oldest.startedAt : 0;
    if (handledMs > handlerMaxMs) {
      this.#report(`a handler has been processing messages for ${seconds(handledMs)} s`);
    }
    const lastSign = this.#lastSign;
    if (now - lastSign > silenceMaxMs) {
      const isThere = await probe().then(() => true, () => false);
      // After an outage the full time starts again.
      if (!isThere) this.sign();
      if (this.#lastSign === lastSign) {
        this.#report(`no sign of life for ${seconds(now - lastSign)} s, while the bus answers`);
      }
    }
    this.#lastCheck = clock.now();
  }

  #report(what: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onStuck(new Error(`The consumer hangs: ${what}`));
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 1_000);
}
