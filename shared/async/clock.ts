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
