import { AppError } from "../../shared/errors.ts";
import type { Interceptor } from "./method.ts";

/**
 * Answers no later than the deadline, and not at all to a caller that has left, whatever the rooms
 * behind are waiting for. Whether a write went through is then unknown.
 */
export const deadline: Interceptor = (call, next) => {
  const { signal } = call.context;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    if (call.context.remainingMs() === 0) return reject(passed());
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    next(call).then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
};

/** The timer of the signal may be a moment late. */
function passed(): AppError {
  return new AppError("deadline_exceeded", "the deadline has passed");
}
