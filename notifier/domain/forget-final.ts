import { Loop } from "../../shared/async/loop.ts";
import type { Clock, RequestContext } from "../../shared/async/request-context.ts";
import type { Deps } from "./deps.ts";

/**
 * How long after an order's final event a repeat of it is still recognised: 30 days. The relay
 * repeats within minutes; an operator may replay the dead-letter queue after days.
 */
const REMEMBERED_MS = 30 * 24 * 60 * 60_000;
/** Rows deleted by one statement, so that none delays a notification for long. */
const BATCH_MAX = 1_000;
const EVERY_MS = 60 * 60_000;
const BACKOFF_MS = 60_000;

export interface ForgetOptions {
  readonly clock: Clock;
  /** The context of one statement. */
  readonly newContext: () => RequestContext;
  readonly onError: (error: unknown) => void;
}

/** Forgets orders that ended long ago, every hour, so that the store holds recent orders only. */
export function finalForgetter(
  { lastShown }: Pick<Deps, "lastShown">,
  { clock, newContext, onError }: ForgetOptions,
): Loop {
  return new Loop({
    clock,
    async step() {
      const forgotten = await lastShown.forgetFinal(REMEMBERED_MS, BATCH_MAX, newContext());
      return forgotten === BATCH_MAX ? 0 : EVERY_MS;
    },
    onError,
    backoffMs: BACKOFF_MS,
    backoffMaxMs: EVERY_MS,
  });
}
