import type { Clock } from "../async/clock.ts";
import { linkAbort } from "../async/link-abort.ts";
import type { ProductMiddleware } from "./product-call.ts";
import { ProductFault } from "./product-fault.ts";

/** Gives up a call that takes longer than `timeoutMs`, as one that may succeed another time. */
export function limitTry(timeoutMs: number, clock: Clock): ProductMiddleware {
  return (next) => async (call) => {
    const controller = new AbortController();
    const unlink = linkAbort(call.deadline.signal, controller);
    const cancelTimer = clock.setTimer(timeoutMs, () => {
      const message = `${call.method}: no answer within ${timeoutMs} ms`;
      controller.abort(new ProductFault(message, { passing: true }));
    });
    const { deadlineAt } = call.deadline;
    try {
      return await next({ ...call, deadline: { deadlineAt, signal: controller.signal } });
    } finally {
      cancelTimer();
      unlink();
    }
  };
}
