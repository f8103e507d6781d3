import type { Clock } from "../async/clock.ts";
import { toAppError } from "../errors.ts";
import { childTraceparent } from "../telemetry/traceparent.ts";
import type { SpanRecord, Tracing } from "../telemetry/tracing.ts";
import type { OutgoingMessage } from "./bus.ts";

export interface MessageSpansOptions extends Pick<SpanRecord, "name" | "kind" | "attributes"> {
  readonly tracing: Tracing;
  readonly clock: Clock;
  /** When a message's span began, where that was before it came here. */
  readonly startedAt?: (message: OutgoingMessage) => number;
}

/**
 * Hands the messages on, each that is sampled in a span of its own to which its header leads, and
 * records the spans when all are sent.
 */
export async function inMessageSpans(
  messages: readonly OutgoingMessage[],
  options: MessageSpansOptions,
  send: (placed: readonly OutgoingMessage[]) => Promise<void>,
): Promise<void> {
  const { tracing, clock, startedAt, ...described } = options;
  const begunAt = clock.now();
  const placed = messages.map((message) => placeBelow(message, tracing));
  let error: string | undefined;
  try {
    await send(placed);
  } catch (thrown) {
    error = toAppError(thrown).code;
    throw thrown;
  } finally {
    const endedAt = clock.now();
    messages.forEach((message, index) => {
      const traceparent = placed[index]?.headers.traceparent;
      const parent = message.headers.traceparent;
      if (traceparent === undefined || traceparent === parent) return;
      const from = startedAt?.(message) ?? begunAt;
      const attributes = { ...described.attributes, ...messageId(message) };
      const times = { startedAt: from, durationMs: endedAt - from };
      tracing.record({ ...described, ...times, traceparent, parent, attributes, error });
    });
  }
}

/** The id that the CloudEvents header gives. */
export function messageId({ headers }: OutgoingMessage) {
  return headers.ce_id === undefined ? {} : { "messaging.message.id": headers.ce_id };
}

function placeBelow(message: OutgoingMessage, tracing: Tracing): OutgoingMessage {
  const { traceparent: parent } = message.headers;
  if (parent === undefined || !tracing.keeps(parent)) return message;
  return { ...message, headers: { ...message.headers, traceparent: childTraceparent(parent) } };
}
