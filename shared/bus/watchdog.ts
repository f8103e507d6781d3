import type { Clock } from "../async/clock.ts";
import { Loop } from "../async/loop.ts";

// A consumer can hang and look alive: a fetch that is never answered, a restart that never ends, a
// handler that waits for ever. Its process then serves /healthz and shows nothing, and holds its
// partitions. The watchdog turns that into a failure, so that the process leaves and a new one takes
// over from what is committed. Nothing is lost by leaving too soon, and an outage of the bus is no
// reason to: the silence counts only while the bus answers others.

export interface WatchLimits {
  /** Without any sign of life. Longer than a rebalance and a session together take, 40 s. */
  readonly silenceMaxMs: number;
  /** For one message; a handler has deadlines of its own, far below. */
  readonly handlerMaxMs: number;
  /** Between looks. */
  readonly everyMs: number;
}

export const WATCH_LIMITS: WatchLimits = {
  silenceMaxMs: 60_000,
  handlerMaxMs: 120_000,
  everyMs: 5_000,
};
/** A look that comes this many intervals late was held up with its process: nothing was silent. */
const LATE_LOOKS = 3;

export interface WatchdogOptions {
  readonly clock: Clock;
  readonly limits?: WatchLimits | undefined;
  /** Rejects while the bus is away, and so the silence nobody's fault. */
  readonly probe: () => Promise<unknown>;
  /** Told once, with what hangs. */
  readonly onStuck: (error: Error) => void;
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #limits: WatchLimits;
  readonly #loop: Loop;
  /** When each handler under way began, the oldest first. */
  readonly #handlers = new Map<symbol, number>();
  #lastSign: number;
  #lastLook: number;
  #stuck = false;

  constructor(options: WatchdogOptions) {
    const { clock, limits = WATCH_LIMITS } = options;
    this.#options = options;
    this.#limits = limits;
    this.#lastSign = this.#lastLook = clock.now();
    this.#loop = new Loop({
      clock,
      step: () => this.#look(),
      onError: () => {},
      backoffMs: limits.everyMs,
      backoffMaxMs: limits.everyMs,
    });
  }

  start(): void {
    this.sign();
    this.#loop.start();
  }

  /** The consumer is alive. */
  sign(): void {
    this.#lastSign = this.#options.clock.now();
  }

  /** Runs a handler under watch. */
  async handle<Result>(handler: () => Promise<Result>): Promise<Result> {
    const id = Symbol();
    this.#handlers.set(id, this.#options.clock.now());
    try {
      return await handler();
    } finally {
      this.#handlers.delete(id);
    }
  }

  /** Looks no more; a look under way is not waited for. */
  close(): void {
    this.#stuck = true;
    void this.#loop.close();
  }

  async #look(): Promise<number> {
    const { everyMs } = this.#limits;
    const now = this.#options.clock.now();
    if (now - this.#lastLook > everyMs * LATE_LOOKS) this.#startAgain(now);
    this.#lastLook = now;
    this.#checkHandlers(now);
    await this.#checkSilence(now);
    this.#lastLook = this.#options.clock.now();
    return everyMs;
  }

  #startAgain(now: number): void {
    this.#lastSign = now;
    for (const id of this.#handlers.keys()) this.#handlers.set(id, now);
  }

  #checkHandlers(now: number): void {
    const [oldest = now] = this.#handlers.values();
    if (now - oldest > this.#limits.handlerMaxMs) {
      this.#report(`a handler has been at one message for ${seconds(now - oldest)} s`);
    }
  }

  async #checkSilence(now: number): Promise<void> {
    const lastSign = this.#lastSign;
    const silentMs = now - lastSign;
    if (silentMs <= this.#limits.silenceMaxMs) return;
    const isThere = await this.#options.probe().then(() => true, () => false);
    if (isThere && this.#lastSign === lastSign) {
      this.#report(`no sign of life for ${seconds(silentMs)} s, while the bus answers`);
    }
    // After an outage it has the whole time again.
    if (!isThere) this.sign();
  }

  #report(what: string): void {
    if (this.#stuck) return;
    this.#stuck = true;
    this.#options.onStuck(new Error(`The consumer hangs: ${what}`));
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 1_000);
}
