import { isFinal } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Deps, Notification } from "./deps.ts";

export type NotifyOutcome = "shown" | "stale";

/**
 * A first event shown this soon after it happened did not come from a backlog, so orders with
 * higher ids began later than this notifier's record.
 */
const PROMPT_MS = 10_000;

/**
 * Shows a notification unless it, or a newer one of its order, was shown before.
 *
 *   1. read what was shown last   2. show   3. remember   (4. the caller acknowledges)
 *
 * If the process dies before 2, nothing has happened and the event is redelivered. Between 2 and 3,
 * the event is redelivered and shown twice; remembering first would lose it instead. After 3, it is
 * redelivered and dropped. A gap before the event is reported after 2 and delays nothing.
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
 * The number of events between the last shown one and this one that are lost, as after a topic was
 * deleted and recreated. Not counted: events that the bus rejected, dead-lettered events, and all
 * events from before this notifier's record began.
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
