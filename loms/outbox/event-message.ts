import type { Clock } from "../../shared/async/request-context.ts";
import type { OutgoingMessage } from "../../shared/bus/bus.ts";
import type { WaitSpan } from "../../shared/bus/observed.ts";
import { jsonIntegers } from "../../shared/json.ts";

interface Event {
  readonly id: string;
  /** RFC 3339. */
  readonly at: string;
}

/** The constant parts of every event of a kind. */
export interface EventAttributes {
  /** As in CloudEvents 1.0. */
  readonly type: string;
  readonly source: string;
}

/** An event as a message, with the CloudEvents 1.0 attributes in the headers (binary mode). */
export function eventMessage(
  key: string,
  event: Event,
  { type, source }: EventAttributes,
  traceparent: string,
): OutgoingMessage {
  return {
    key,
    value: JSON.stringify(event, jsonIntegers),
    headers: {
      traceparent,
      ce_specversion: "1.0",
      ce_id: event.id,
      ce_type: type,
      ce_source: source,
      ce_time: event.at,
      "content-type": "application/json",
    },
  };
}

/**
 * The span of an event in the outbox: from the change, by the database's clock, until the bus has
 * stored the event.
 */
export function outboxWait(topic: string, clock: Clock): WaitSpan {
  return {
    name: `outbox ${topic}`,
    startedAt({ headers }) {
      const agoMs = clock.epochMs() - Date.parse(headers.ce_time ?? "");
      return clock.now() - Math.max(0, agoMs || 0);
    },
  };
}
