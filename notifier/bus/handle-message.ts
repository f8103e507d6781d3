import { type Clock, systemClock } from "../../shared/async/clock.ts";
import { RequestContext } from "../../shared/async/request-context.ts";
import { type IncomingMessage, UnreadableMessageError } from "../../shared/bus/bus.ts";
import { childTraceparent, parseTraceparent } from "../../shared/telemetry/tracing.ts";
import type { Deps, Notification } from "../domain/deps.ts";
import { notify, type NotifyOutcome } from "../domain/notify.ts";
import { parseEventId, readOrderEvent } from "./read-order-event.ts";

/** A notification takes milliseconds; a slower one fails and is redelivered. */
const NOTIFY_TIMEOUT_MS = 10_000;

export interface HandleDeps extends Deps {
  /** Called with the outcome of each event; an unreadable one is dead. */
  readonly onOutcome?: (outcome: NotifyOutcome | "dead", notification?: Notification) => void;
}

/**
 * The handler of order events, in the trace context of the message. It resolves when the event has
 * been shown, now or before.
 * @throws {UnreadableMessageError} for an event that cannot be read
 */
export function handleMessage(
  deps: HandleDeps,
  clock: Clock = systemClock,
): (message: IncomingMessage) => Promise<void> {
  return async (message) => {
    const given = parseTraceparent(message.headers.traceparent);
    const traceparent = given ?? childTraceparent(undefined);
    const context = new RequestContext({ traceparent, timeoutMs: NOTIFY_TIMEOUT_MS, clock });
    try {
      const notification = await readOrRecordDead(message, deps, context);
      const outcome = await notify(deps, notification, context);
      deps.onOutcome?.(outcome, notification);
    } finally {
      context.close();
    }
  };
}

/** Records an unreadable event before it is dead-lettered, so that it does not count as lost. */
async function readOrRecordDead(
  message: IncomingMessage,
  { lastShown, onOutcome }: HandleDeps,
  context: RequestContext,
): Promise<Notification> {
  try {
    return readOrderEvent(message);
  } catch (error) {
    if (!(error instanceof UnreadableMessageError)) throw error;
    const id = parseEventId(message.headers.ce_id ?? "");
    if (id) await lastShown.noteDead(id.orderId, id.seq, context);
    onOutcome?.("dead");
    throw error;
  }
}
