import { isFinal } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Deps, Notification, Shown, SkippedEvents } from "./deps.ts";

export type NotifyOutcome = "shown" | "stale";

/**
 * A first event shown this soon after it happened did not come from a backlog, so orders with
 * higher ids began later than this notifier's record.
 */
const PROMPT_MS = 10_000;

/**
 * Shows the notifications that arrived together, those of an order in order, except those of which
 * the same or a newer one of their order was shown before.
 *
 *   1. read the last shown events   2. show   3. remember   (4. the caller acknowledges)
 *
 * Each step is one request for all of them. If the process dies before 2, nothing has happened and
 * the events are redelivered. Between 2 and 3, they are redelivered and shown twice; remembering
 * first would lose them instead. After 3, they are redelivered and dropped. A gap before an event
 * is reported after 2 and delays nothing.
 */
export async function notify(
  deps: Pick<Deps, "lastShown" | "sink" | "onSkipped">,
  notifications: readonly Notification[],
  context: RequestContext,
): Promise<NotifyOutcome[]> {
  if (notifications.length === 0) return [];
  const orderIds = new Set(notifications.map(({ orderId }) => orderId));
  const lastSeqs = new Map(await deps.lastShown.lastSeqs(orderIds, context));
  const gaps: [gap: SkippedEvents, behind: Notification][] = [];
  const isNew = notifications.map((notification) => {
    const { orderId, seq } = notification;
    const lastSeq = lastSeqs.get(orderId) ?? 0;
    if (seq <= lastSeq) return false;
    lastSeqs.set(orderId, seq);
    const count = seq - lastSeq - 1;
    if (count > 0) gaps.push([{ orderId, lastSeq, nextSeq: seq, count }, notification]);
    return true;
  });
  const due = notifications.filter((_, index) => isNew[index]);
  if (due.length > 0) {
    const skipped = await Promise.all(gaps.map((each) => withoutExplained(deps, ...each, context)));
    await deps.sink.show(due, context);
    for (const gap of skipped) if (gap.count > 0) deps.onSkipped(gap);
    await deps.lastShown.remember(due.map((each) => shownOf(each, context)), context);
  }
  return isNew.map((each) => each ? "shown" : "stale");
}

function shownOf(
  { orderId, seq, status, at }: Notification,
  { clock }: RequestContext,
): Shown {
  const isPromptFirst = seq === 1 && clock.epochMs() - Date.parse(at) < PROMPT_MS;
  return { orderId, seq, final: isFinal(status), isPromptFirst };
}

/**
 * The gap with the number of events that are lost, as after a topic was deleted and recreated. Not
 * counted: events that the bus rejected, dead-lettered events, and all events from before this
 * notifier's record began.
 */
async function withoutExplained(
  { lastShown }: Pick<Deps, "lastShown">,
  gap: SkippedEvents,
  { refusedSeqs }: Notification,
  context: RequestContext,
): Promise<SkippedEvents> {
  const { orderId, lastSeq, nextSeq, count } = gap;
  if (lastSeq === 0 && !await lastShown.coversBeginningOf(orderId, context)) {
    return { ...gap, count: 0 };
  }
  const dead = await lastShown.deadSeqs(orderId, context);
  const explained = [...refusedSeqs, ...dead].filter((one) => one > lastSeq && one < nextSeq);
  return { ...gap, count: count - new Set(explained).size };
}
