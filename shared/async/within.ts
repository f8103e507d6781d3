import type { Clock } from "./clock.ts";

/**
 * What `work` comes to, or what `onLate` returns or throws when it takes longer than `timeoutMs`.
 * The work itself goes on; what becomes of it later is nobody's concern.
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
    Promise.resolve(work).finally(cancelTimer).then(resolve, reject);
  });
}
