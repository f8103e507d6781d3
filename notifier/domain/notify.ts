import { isFinal } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Deps, Notification } from "./deps.ts";

export type NotifyOutcome = "shown" | "stale";

/**
 * A first event shown this soon after it happened was not taken from a backlog: orders with higher
 * ids began later than this notifier's memory.
 */
const PROMPT_MS = 10_000;

/**
 * Shows a notification unless it, or a newer one of its order, was shown before.
 *
 *   1. ask what was shown last   2. show   3. remember   (4. the caller acknowledges)
 *
 * Death before 2: nothing happened, the event comes again. Death between 2 and 3: it comes again
 * and is shown a second time; remembering first would lose it instead. Death after 3: it comes
 * again and is dropped. A gap before the event is reported after 2, and holds up nothing.
 */
export async function notify(
  deps: Pick<Deps, "lastShown" | "sink" | "onSkipped">,
  notification: Notification,
  context: RequestContext,
): Promise<NotifyOutcome> {
  const { orderId, seq, status } = notification;
  const lastSeq = await deps.lastShown.lastSeq(orderId, context);
  if (seq <= lastSeq) return "stale";
  const count = await skippedBefore(deps, notification, lastSeq, context);
  await deps.sink.show(notification, context);
  if (count > 0) deps.onSkipped({ orderId, lastSeq, nextSeq: seq, count });
  const isPromptFirst = seq === 1 && isPrompt(notification, context);
  const shown = { orderId, seq, final: isFinal(status), isPromptFirst };
  await deps.lastShown.remember(shown, context);
  return "shown";
}

function isPrompt({ at }: Notification, { clock }: RequestContext): boolean {
  return clock.epochMs() - Date.parse(at) < PROMPT_MS;
}

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
