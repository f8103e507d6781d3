import type { RateLimit } from "../async/rate-limit.ts";
import type { ProductMiddleware } from "./product-call.ts";

/** Lets a call out when it is its turn. By the time of an answer it has arrived for certain. */
export function limitRate(limit: RateLimit): ProductMiddleware {
  return (next) => async (call) => {
    const permit = await limit.acquire(call.deadline);
    try {
      return await next(call);
    } finally {
      permit.used();
    }
  };
}
