import { type Clock, RequestContext, systemClock } from "../../shared/async/request-context.ts";
import {
  type IncomingMessage,
  type SubscribeOptions,
  UnreadableMessageError,
} from "../../shared/bus/bus.ts";
import { childTraceparent, sharedTrace } from "../../shared/telemetry/tracing.ts";
import type { Deps, Notification } from "../domain/deps.ts";
import { notify, type NotifyOutcome } from "../domain/notify.ts";
import { parseEventId, readOrderEvent } from "./read-order-event.ts";

/** Notifications take milliseconds; slower ones fail and are redelivered. */
const NOTIFY_TIMEOUT_MS = 10_000;

export interface HandleDeps extends Deps {
  /** Called with the outcome of each event; an unreadable one is dead. */
  readonly onOutcome?: (outcome: NotifyOutcome | "dead", notification?: Notification) => void;
}

/**
 * The handler of order events that arrived together, each in the trace context of its message.
 * Resolves with the unreadable events once the others have been shown, now or before. Unreadable
 * events are recorded first, so that they do not count as lost.
 */
export function handleMessages(
  deps: HandleDeps,
  clock: Clock = systemClock,
): SubscribeOptions["handle"] {
  return async (messages) => {
    const { notifications, failures } = readAll(messages);
    const traceparents = notifications.map(({ traceparent }) => traceparent);
    const trace = sharedTrace(traceparents) ?? { traceparent: childTraceparent(undefined) };
    const context = new RequestContext({ ...trace, timeoutMs: NOTIFY_TIMEOUT_MS, clock });
    try {
      for (const index of failures.keys()) {
        const id = parseEventId(messages[index]?.headers.ce_id ?? "");
        if (id) await deps.lastShown.noteDead(id.orderId, id.seq, context);
      }
      const outcomes = await notify(deps, notifications, context);
      outcomes.forEach((outcome, index) => deps.onOutcome?.(outcome, notifications[index]));
      for (const _ of failures) deps.onOutcome?.("dead");
      return failures;
    } finally {
      context.close();
    }
  };
}

function readAll(messages: readonly IncomingMessage[]) {
  const notifications: Notification[] = [];
  const failures = new Map<number, UnreadableMessageError>();
  for (const [index, message] of messages.entries()) {
    try {
      notifications.push(readOrderEvent(message));
    } catch (error) {
      if (!(error instanceof UnreadableMessageError)) throw error;
      failures.set(index, error);
    }
  }
  return { notifications, failures };
}
