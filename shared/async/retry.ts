import { type Clock, type Deadline, sleep } from "./request-context.ts";

export interface RetryAdvice {
  /** The pause that the server requests, in ms. */
  readonly afterMs?: number | undefined;
}

export interface RetryOptions {
  /** Further attempts after the first. */
  readonly retriesMax: number;
  /** Upper bound of the first pause; it doubles from pause to pause. */
  readonly backoffMs: number;
  /** Upper bound of any pause, without the one that the server requests. */
  readonly backoffMaxMs: number;
  readonly clock: Clock;
  /** From 0 to just below 1, as Math.random. */
  readonly random: () => number;
  /** Undefined if another attempt would fail, too. */
  readonly advise: (error: unknown) => RetryAdvice | undefined;
}

/**
 * Calls `attempt` until it succeeds, with exponential backoff and full jitter (Marc Brooker,
 * "Exponential Backoff And Jitter", AWS 2015), so that callers that failed together do not retry
 * together. The jitter is added to a pause that the server requests. Rejects with the last error
 * when `advise` returns undefined, when no tries are left, or at once when the pause would end
 * after the deadline; with the signal's reason when that aborts before another try.
 */
export async function retry<Value>(
  attempt: (tryNumber: number) => Promise<Value>,
  options: RetryOptions,
  deadline: Deadline,
): Promise<Value> {
  for (let tryNumber = 1;; tryNumber++) {
    try {
      return await attempt(tryNumber);
    } catch (error) {
      const advice = tryNumber > options.retriesMax ? undefined : options.advise(error);
      if (!advice) throw error;
      deadline.signal.throwIfAborted();
      const pauseMs = (advice.afterMs ?? 0) + jitterMs(tryNumber, options);
      if (options.clock.now() + pauseMs >= deadline.deadlineAt) throw error;
      await sleep(options.clock, pauseMs, deadline.signal);
    }
  }
}

function jitterMs(tryNumber: number, options: RetryOptions): number {
  const boundMs = Math.min(options.backoffMaxMs, options.backoffMs * 2 ** (tryNumber - 1));
  return options.random() * boundMs;
}
