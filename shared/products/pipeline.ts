import type { ProductMethod } from "../../proto/product-service.ts";
import type { Clock } from "../async/clock.ts";
import type { Deadline } from "../async/deadline.ts";
import { linkAbort } from "../async/link-abort.ts";
import type { Permit, RateLimit } from "../async/rate-limit.ts";
import { retry, type RetryOptions } from "../async/retry.ts";
import { AppError } from "../errors.ts";
import { parseRetryAfter } from "../http-client/retry-after.ts";

// A call to the product service and what it passes through, from the outside in: retries, the rate
// limit, a timeout for each attempt, the check of the status.

/** One call to the product service. */
export interface ProductCall {
  readonly method: ProductMethod;
  /** JSON, the same in every attempt. It contains the token. */
  readonly body: string;
  readonly traceparent: string;
  readonly deadline: Deadline;
}

export interface ProductAnswer {
  readonly status: number;
  /** The `Retry-After` header. */
  readonly retryAfter?: string | undefined;
  readonly body: string;
}

/**
 * Sends a call and resolves with the answer, whatever its status. Rejects with
 * {@link ProductFault} when there is none, and with the signal's reason when that aborts.
 */
export type ProductTransport = (call: ProductCall) => Promise<ProductAnswer>;

export type ProductMiddleware = (next: ProductTransport) => ProductTransport;

/** Wraps the transport in the middlewares; the first one is the outermost. */
export function compose(
  transport: ProductTransport,
  ...middlewares: readonly ProductMiddleware[]
): ProductTransport {
  return middlewares.reduceRight((next, middleware) => middleware(next), transport);
}

export interface ProductFaultFacts {
  readonly cause?: unknown;
  /** Whether the same call may succeed later. */
  readonly passing: boolean;
  /** From `Retry-After`, in ms. */
  readonly retryAfterMs?: number | undefined;
}

/** A failed call. Its message contains nothing of the request, which holds the token. */
export class ProductFault extends Error {
  override readonly name = "ProductFault";
  readonly passing: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, facts: ProductFaultFacts) {
    super(message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.passing = facts.passing;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** Retries a call that failed temporarily. */
export function retryCalls(options: Omit<RetryOptions, "advise">): ProductMiddleware {
  return (next) => (call) => retry(() => next(call), { ...options, advise }, call.deadline);
}

function advise(error: unknown) {
  if (!(error instanceof ProductFault) || !error.passing) return undefined;
  return { afterMs: error.retryAfterMs };
}

/**
 * How the wait for a permit ended: `refused` when it would come after the deadline, `given_up` when
 * the caller left.
 */
export type PermitOutcome = "granted" | "refused" | "given_up";

export type OnPermit = (outcome: PermitOutcome, waitedMs: number) => void;

/**
 * Sends a call once it has a permit, which counts from the answer at the latest. A pause that an
 * answer requests applies to every later call of the process in full.
 */
export function limitRate(limit: RateLimit, clock: Clock, onPermit: OnPermit): ProductMiddleware {
  const acquire = async ({ deadline }: ProductCall): Promise<Permit> => {
    const startedAt = clock.now();
    let outcome: PermitOutcome = "granted";
    try {
      return await limit.acquire(deadline);
    } catch (error) {
      const isRefusal = error instanceof AppError && error.code === "unavailable";
      outcome = isRefusal && !deadline.signal.aborted ? "refused" : "given_up";
      throw error;
    } finally {
      onPermit(outcome, clock.now() - startedAt);
    }
  };
  return (next) => async (call) => {
    const permit = await acquire(call);
    try {
      return await next(call);
    } catch (error) {
      const pauseMs = error instanceof ProductFault ? error.retryAfterMs : undefined;
      // Before the permit is released, which starts the next call.
      if (pauseMs !== undefined) limit.pause(pauseMs);
      throw error;
    } finally {
      permit.used();
    }
  };
}

/** Aborts an attempt after `timeoutMs`, as a temporary failure. */
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

/** The statuses with which the product service throttles. */
const THROTTLED: readonly number[] = [420, 429];

/** Rejects with {@link ProductFault} for every status but 200 and 404. */
export function failOnStatus(clock: Clock): ProductMiddleware {
  return (next) => async (call) => {
    const answer = await next(call);
    const { status } = answer;
    if (status === 200 || status === 404) return answer;
    const passing = THROTTLED.includes(status) || status >= 500;
    throw new ProductFault(`${call.method} was answered with status ${status}`, {
      passing,
      // A permanent failure is no reason to wait.
      retryAfterMs: passing ? parseRetryAfter(answer.retryAfter, clock.epochMs()) : undefined,
    });
  };
}
