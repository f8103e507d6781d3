import { retry, type RetryOptions } from "../async/retry.ts";
import type { ProductMiddleware } from "./product-call.ts";
import { ProductFault } from "./product-fault.ts";

/** Sends a call again, whole, when it failed in a way that may pass. */
export function retryCalls(options: Omit<RetryOptions, "advise">): ProductMiddleware {
  return (next) => (call) => retry(() => next(call), { ...options, advise }, call.deadline);
}

function advise(error: unknown) {
  if (!(error instanceof ProductFault) || !error.passing) return undefined;
  return { afterMs: error.retryAfterMs };
}
