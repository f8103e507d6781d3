import { type Clock, sleep, systemClock, within } from "./async/request-context.ts";

/** Time limit of a stop; then the process exits in any case. */
export const SHUTDOWN_GRACE_MS = 10_000;
/**
 * How long the listeners wait for work in progress: longer than any HTTP request may take. A gRPC
 * call may have a later deadline.
 */
export const DRAIN_MAX_MS = 6_000;
/**
 * The limit for closing everything; 2 s are for the parts behind the listeners. A start that a
 * signal interrupts has its own limit, see `runService()`.
 */
const CLOSE_MAX_MS = DRAIN_MAX_MS + 2_000;

/**
 * How long the listeners stay open while `/readyz` answers 503, so that clients do not connect to a
 * closed one.
 */
const NOT_READY_FIRST_MS = 250;
/** A stall of the process takes at most this part of that time. */
const NOT_READY_STEP_MS = 25;

type Close = () => void | Promise<void>;

/** A step of a stop that exceeded the limit. */
export class LateClose extends Error {
  override readonly name = "LateClose";
}

/**
 * Closes resources in reverse order. A failed step is reported at the end and does not prevent the
 * others. All steps share one limit. When it is reached, a hanging step is abandoned, and the
 * remaining steps are started without waiting for them.
 */
export class CloseStack {
  readonly #closes: { readonly name: string; readonly close: Close }[] = [];
  readonly #clock: Clock;
  readonly #maxMs: number;
  #closing: Promise<void> | undefined;

  constructor(maxMs = CLOSE_MAX_MS, clock: Clock = systemClock) {
    this.#maxMs = maxMs;
    this.#clock = clock;
  }

  push(name: string, close: Close): void {
    this.#closes.push({ name, close });
  }

  /**
   * Closes everything once; later calls share the outcome of the first.
   * @throws {AggregateError} of a {@link LateClose} for each abandoned step, and of an {@link
   * Error} for each failed one
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: Error[] = [];
    const endsAt = this.#clock.now() + this.#maxMs;
    for (const { name, close } of this.#closes.toReversed()) {
      try {
        const closing = Promise.resolve(close());
        await within(this.#clock, Math.max(0, endsAt - this.#clock.now()), closing, () => {
          throw new LateClose(name);
        });
      } catch (error) {
        const late = error instanceof LateClose;
        failures.push(late ? error : new Error(`closing ${name} failed`, { cause: error }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "not everything closed");
  }
}

/** Whether the service accepts work; reported by `/readyz` and gRPC's health. */
export class Readiness {
  readonly #clock: Clock;
  #stopping = false;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Ends readiness; resolves once a probe has had time to run. */
  async stop(): Promise<void> {
    this.#stopping = true;
    // In steps, because a process that stalls answers no probe.
    for (let leftMs = NOT_READY_FIRST_MS; leftMs > 0; leftMs -= NOT_READY_STEP_MS) {
      await sleep(this.#clock, NOT_READY_STEP_MS);
    }
  }
}

export interface RunningService {
  /** Rejects when an essential component has ended; never resolves. */
  readonly failed?: Promise<never>;
  /**
   * Stops accepting work, finishes work in progress, and closes everything.
   * @throws {AggregateError} as {@link CloseStack.close} does
   */
  close(): Promise<void>;
}
