import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Deps } from "./deps.ts";
import type { Notification } from "./notification.ts";

/**
 * How many events of the order between the last one shown and this one should have come and did not,
 * as when a topic is deleted and made again. No such gap: events that the bus refused, those in the
 * dead letters, and all that came before this notifier's memory began.
 */
export async function skippedBefore(
  { lastShown }: Pick<Deps, "lastShown">,
  { orderId, seq, refusedSeqs }: Notification,
  lastSeq: number,
  context: RequestContext,
): Promise<number> {
  const missing = seq - lastSeq - 1;
  if (missing === 0) return 0;
  if (lastSeq === 0 && !await lastShown.knowsBeginningOf(orderId, context)) return 0;
  const dead = await lastShown.deadSeqs(orderId, context);
  const explained = new Set([...refusedSeqs, ...dead].filter((one) => one > lastSeq && one < seq));
  return missing - explained.size;
}
