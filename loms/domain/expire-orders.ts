import type { Clock } from "../../shared/async/clock.ts";
import { Loop } from "../../shared/async/loop.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Deps } from "./deps.ts";

/** Orders are promised to be cancelled within 2 s of their deadline. */
const INTERVAL_MS = 500;
/** Keeps one transaction, and the locks that it holds, to some milliseconds. */
const BATCH_MAX = 200;
const BACKOFF_MS = 200;
/** Short, so that the promise holds soon after the database is back. */
const BACKOFF_MAX_MS = 1_000;

type ExpireDeps = Pick<Deps, "writer" | "wakeRelay">;

/** Cancels orders whose payment deadline has passed; resolves with how many, up to a batch. */
export async function expireOrders(deps: ExpireDeps, context: RequestContext): Promise<number> {
  const cancelled = await deps.writer.expireOrders(BATCH_MAX, context);
  if (cancelled > 0) deps.wakeRelay();
  return cancelled;
}

/**
 * Expires orders again and again, safely beside other processes that do the same. `newContext`
 * gives each step its deadline and a trace of its own.
 */
export function orderExpirer(
  deps: ExpireDeps,
  options: {
    readonly clock: Clock;
    readonly newContext: () => RequestContext;
    readonly onError: (error: unknown) => void;
  },
): Loop {
  return new Loop({
    clock: options.clock,
    step: async () =>
      await expireOrders(deps, options.newContext()) === BATCH_MAX ? 0 : INTERVAL_MS,
    onError: options.onError,
    backoffMs: BACKOFF_MS,
    backoffMaxMs: BACKOFF_MAX_MS,
  });
}
