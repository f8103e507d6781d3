import { AppError } from "../errors.ts";

/** The source of time for every wait and every deadline. */
export interface Clock {
  /** Monotonic time in ms, with an arbitrary origin. */
  now(): number;
  /** Calendar time in ms since 1970-01-01T00:00:00Z. */
  epochMs(): number;
  /** Calls `fire` once after `delayMs`; the returned function cancels it. */
  setTimer(delayMs: number, fire: () => void): () => void;
}

/** Longest delay a timer takes, some 24 days; a longer one would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  epochMs: () => Date.now(),
  setTimer(delayMs, fire) {
    const timer = setTimeout(fire, Math.min(delayMs, TIMER_MAX_MS));
    return () => clearTimeout(timer);
  },
};

/** Waits `delayMs`; rejects with the signal's reason as soon as that aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.setTimer(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * The result of `work`, or of `onLate` when that takes longer than `timeoutMs`. The work continues;
 * its later result is dropped.
 */
export function within<Result, Late>(
  clock: Clock,
  timeoutMs: number,
  work: PromiseLike<Result>,
  onLate: () => Late,
): Promise<Result | Late> {
  return new Promise((resolve, reject) => {
    const cancelTimer = clock.setTimer(timeoutMs, () => {
      try {
        resolve(onLate());
      } catch (error) {
        reject(error as Error);
      }
    });
    work.then((result) => {
      cancelTimer();
      resolve(result);
    }, (error: unknown) => {
      cancelTimer();
      reject(error as Error);
    });
  });
}

/** The caller of the work. Reading its signal may create one, so it is read once, when needed. */
export interface Caller {
  /** Aborts when the caller has left. */
  readonly signal: AbortSignal;
  /** The same without creating the signal, where it is known. */
  readonly hasLeft?: boolean;
}

/** The deadline and cancellation of a caller. A RequestContext is one. */
export interface Deadline {
  /** On the scale of the clock's `now()`, in ms. */
  readonly deadlineAt: number;
  /** Aborts at the deadline, or earlier when the caller has left. */
  readonly signal: AbortSignal;
}

/**
 * Aborts `controller` with the parent's reason once the parent aborts. The returned function
 * removes the link: a long-lived parent would keep all its children in memory.
 */
export function linkAbort(parent: AbortSignal, controller: AbortController): () => void {
  const onAbort = () => controller.abort(parent.reason);
  if (parent.aborted) onAbort();
  else parent.addEventListener("abort", onAbort, { once: true });
  return () => parent.removeEventListener("abort", onAbort);
}

export interface RequestContextOptions {
  /** W3C `traceparent` of this work: 00-<trace id>-<span id>-<flags>. */
  readonly traceparent: string;
  /** The caller's `traceparent`; undefined at the root of a trace. */
  readonly parent?: string | undefined;
  /** The `traceparent` of each further request that this work serves. */
  readonly alsoServes?: readonly string[];
  /** The time that the work may take, in ms. */
  readonly timeoutMs: number;
  readonly caller?: Caller | undefined;
  readonly clock?: Clock | undefined;
}

const NONE: readonly string[] = [];

/**
 * The deadline, cancellation and trace context of one request. The signal is made on first use,
 * because most requests are answered from memory and never wait.
 */
export class RequestContext implements Deadline {
  readonly traceparent: string;
  readonly parent: string | undefined;
  readonly alsoServes: readonly string[];
  readonly clock: Clock;
  /** On the scale of `clock.now()`, in ms. */
  readonly deadlineAt: number;
  readonly #caller: Caller | undefined;
  #controller: AbortController | undefined;
  #cancelTimer: (() => void) | undefined;
  #stopListening: (() => void) | undefined;

  constructor(options: RequestContextOptions) {
    this.traceparent = options.traceparent;
    this.parent = options.parent;
    this.alsoServes = options.alsoServes ?? NONE;
    this.clock = options.clock ?? systemClock;
    this.deadlineAt = this.clock.now() + options.timeoutMs;
    this.#caller = options.caller;
  }

  /** The W3C trace id, 32 hexadecimal digits. */
  get traceId(): string {
    return this.traceparent.slice(3, 35);
  }

  /** The W3C span id, 16 hexadecimal digits. */
  get spanId(): string {
    return this.traceparent.slice(36, 52);
  }

  /** The time until the deadline, in ms; 0 when it has passed. */
  remainingMs(): number {
    return Math.max(0, this.deadlineAt - this.clock.now());
  }

  /** Whether the caller is known to have disconnected. */
  get hasLeft(): boolean {
    return this.#caller?.hasLeft ?? false;
  }

  /**
   * Aborts with an AppError: `deadline_exceeded` at the deadline, `unavailable` if the caller left.
   */
  get signal(): AbortSignal {
    if (!this.#controller) this.#open();
    return (this.#controller as AbortController).signal;
  }

  /** Frees the timer; call it once the request is answered. */
  close(): void {
    this.#cancelTimer?.();
    this.#stopListening?.();
  }

  #open(): void {
    const controller = new AbortController();
    this.#controller = controller;
    const callerSignal = this.#caller?.signal;
    const onCallerAbort = () => {
      const reason: unknown = callerSignal?.reason;
      controller.abort(
        reason instanceof AppError
          ? reason
          : new AppError("unavailable", "the caller disconnected", { cause: reason }),
      );
    };
    if (callerSignal?.aborted) return onCallerAbort();
    const expire = () => {
      controller.abort(new AppError("deadline_exceeded", "the deadline has passed"));
    };
    const remainingMs = this.remainingMs();
    if (remainingMs === 0) return expire();
    callerSignal?.addEventListener("abort", onCallerAbort, { once: true });
    this.#stopListening = () => callerSignal?.removeEventListener("abort", onCallerAbort);
    this.#cancelTimer = this.clock.setTimer(remainingMs, expire);
  }
}
