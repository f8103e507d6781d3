import { Loop } from "../../shared/async/loop.ts";
import type { Clock, RequestContext } from "../../shared/async/request-context.ts";
import type { Deps } from "./deps.ts";

/** Orders are cancelled within 2 s of their deadline. */
const INTERVAL_MS = 500;
/** Limits the duration of a transaction, and of its locks, to a few milliseconds. */
const BATCH_MAX = 200;
const BACKOFF_MS = 200;
/** Short, so that orders expire in time soon after the database is back. */
const BACKOFF_MAX_MS = 1_000;

/**
 * Cancels orders past their payment deadline, in a loop. Several processes may do so concurrently.
 * `newContext` gives each step a deadline and a new trace.
 */
export function orderExpirer(
  { writer }: Pick<Deps, "writer">,
  options: {
    readonly clock: Clock;
    readonly newContext: () => RequestContext;
    readonly onError: (error: unknown) => void;
  },
): Loop {
  return new Loop({
    clock: options.clock,
    step: async () => {
      const cancelled = await writer.expireOrders(BATCH_MAX, options.newContext());
      return cancelled === BATCH_MAX ? 0 : INTERVAL_MS;
    },
    onError: options.onError,
    backoffMs: BACKOFF_MS,
    backoffMaxMs: BACKOFF_MAX_MS,
  });
}
