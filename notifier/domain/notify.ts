import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Deps } from "./deps.ts";
import { isFinal, type Notification } from "./notification.ts";

export type NotifyOutcome = "shown" | "stale";

/**
 * Shows a notification unless it, or a newer one of its order, was shown before.
 *
 *   1. ask what was shown last   2. show   3. remember   (4. the caller acknowledges)
 *
 * Death before 2: nothing happened, the event comes again. Death between 2 and 3: it comes again
 * and is shown a second time; remembering first would lose it instead. Death after 3: it comes
 * again and is dropped.
 */
export async function notify(
  deps: Pick<Deps, "lastShown" | "sink">,
  notification: Notification,
  context: RequestContext,
): Promise<NotifyOutcome> {
  const { orderId, seq, status } = notification;
  if (seq <= await deps.lastShown.lastSeq(orderId, context)) return "stale";
  await deps.sink.show(notification, context);
  await deps.lastShown.remember({ orderId, seq, final: isFinal(status) }, context);
  return "shown";
}
