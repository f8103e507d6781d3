import type { Clock } from "../async/clock.ts";
import type { Permit, RateLimit } from "../async/rate-limit.ts";
import { AppError } from "../errors.ts";
import type { ProductCall, ProductMiddleware } from "./product-call.ts";
import { ProductFault } from "./product-fault.ts";

/** How a wait for a turn ended: `refused` since it would come too late, `given_up` by the caller. */
export type TurnOutcome = "granted" | "refused" | "given_up";

export type OnTurn = (outcome: TurnOutcome, waitedMs: number) => void;

/**
 * Lets a call out when it is its turn. By the time of an answer it has arrived for certain. A pause
 * that an answer requests holds for every later call, not only for the one that met it.
 */
export function limitRate(limit: RateLimit, clock: Clock, onTurn: OnTurn): ProductMiddleware {
  const turn = async ({ deadline }: ProductCall): Promise<Permit> => {
    const startedAt = clock.now();
    let outcome: TurnOutcome = "granted";
    try {
      return await limit.acquire(deadline);
    } catch (error) {
      const isRefusal = error instanceof AppError && error.code === "unavailable";
      outcome = isRefusal && !deadline.signal.aborted ? "refused" : "given_up";
      throw error;
    } finally {
      onTurn(outcome, clock.now() - startedAt);
    }
  };
  return (next) => async (call) => {
    const permit = await turn(call);
    try {
      return await next(call);
    } catch (error) {
      const pauseMs = error instanceof ProductFault ? error.retryAfterMs : undefined;
      // Before the permit is given back, which lets the next call out.
      if (pauseMs !== undefined) limit.pause(pauseMs);
      throw error;
    } finally {
      permit.used();
    }
  };
}
