import type { RequestContext } from "../../shared/async/request-context.ts";
import { retry } from "../../shared/async/retry.ts";
import { isConflict } from "../../shared/postgres/database-error.ts";

const CONFLICT_RETRIES_MAX = 5;
const CONFLICT_BACKOFF_MS = 5;
const CONFLICT_BACKOFF_MAX_MS = 100;

/**
 * Repeats a transaction that was rolled back because of a conflict. The functions of the database
 * lock in one order, so a conflict comes from outside.
 */
export function retryConflicts<Result>(
  call: () => Promise<Result>,
  context: RequestContext,
  random: () => number = Math.random,
): Promise<Result> {
  return retry(call, {
    retriesMax: CONFLICT_RETRIES_MAX,
    backoffMs: CONFLICT_BACKOFF_MS,
    backoffMaxMs: CONFLICT_BACKOFF_MAX_MS,
    clock: context.clock,
    random,
    advise: (error) => isConflict(error) ? {} : undefined,
  }, context);
}
