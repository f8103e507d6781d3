import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Deps } from "./deps.ts";

/**
 * How long after an order's final event a repeat of it is still recognised: 30 days. The relay
 * repeats within minutes; dead letters may be put back after days.
 */
const REMEMBERED_MS = 30 * 24 * 60 * 60_000;
/** Deletes in one statement, so that none holds up a notification for long. */
const BATCH_MAX = 1_000;

export interface ForgetStep {
  readonly forgotten: number;
  /** More may be left to forget. */
  readonly more: boolean;
}

/** Forgets a batch of orders that ended long ago, so that the store grows with recent orders only. */
export async function forgetFinal(
  deps: Pick<Deps, "lastShown">,
  context: RequestContext,
): Promise<ForgetStep> {
  const forgotten = await deps.lastShown.forgetFinal(REMEMBERED_MS, BATCH_MAX, context);
  return { forgotten, more: forgotten === BATCH_MAX };
}
