import { AppError } from "../../shared/errors.ts";
import type { Interceptor } from "./method.ts";

/**
 * Answers no later than the deadline, whatever the rooms behind are waiting for. Whether a write
 * went through is then unknown. A caller that leaves earlier is not watched for: its write goes on
 * all the same, and a signal costs more than most calls.
 */
export const deadline: Interceptor = (call, next) => {
  const { clock } = call.context;
  const remainingMs = call.context.remainingMs();
  if (remainingMs === 0) return Promise.reject(passed());
  return new Promise((resolve, reject) => {
    const cancelTimer = clock.setTimer(remainingMs, () => reject(passed()));
    next(call).finally(cancelTimer).then(resolve, reject);
  });
};

function passed(): AppError {
  return new AppError("deadline_exceeded", "the deadline has passed");
}
