import type { Clock } from "../async/clock.ts";
import { parseRetryAfter } from "../http/retry-after.ts";
import type { ProductMiddleware } from "./product-call.ts";
import { ProductFault } from "./product-fault.ts";

/** The product service throttles with either. */
const THROTTLED: readonly number[] = [420, 429];

/** Lets 200 and 404 through; any other status is a ProductFault. */
export function failOnStatus(clock: Clock): ProductMiddleware {
  return (next) => async (call) => {
    const answer = await next(call);
    const { status } = answer;
    if (status === 200 || status === 404) return answer;
    const passing = THROTTLED.includes(status) || status >= 500;
    throw new ProductFault(`${call.method} was answered with status ${status}`, {
      passing,
      // What will not pass is not a pause that could end.
      retryAfterMs: passing ? parseRetryAfter(answer.retryAfter, clock.epochMs()) : undefined,
    });
  };
}
