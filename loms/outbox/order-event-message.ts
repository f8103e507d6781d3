import {
  ORDER_EVENT_SOURCE,
  ORDER_EVENT_TYPE,
  ORDER_EVENTS,
  type OrderEvent,
} from "../../proto/order-event.ts";
import type { Clock } from "../../shared/async/clock.ts";
import type { OutgoingMessage } from "../../shared/bus/bus.ts";
import type { WaitSpan } from "../../shared/bus/observed.ts";
import { jsonIntegers } from "../../shared/json-integer.ts";

/** The event as it travels, with the CloudEvents 1.0 attributes in the headers (binary mode). */
export function orderEventMessage(event: OrderEvent, traceparent: string): OutgoingMessage {
  return {
    key: String(event.order_id),
    value: JSON.stringify(event, jsonIntegers),
    headers: {
      traceparent,
      ce_specversion: "1.0",
      ce_id: event.id,
      ce_type: ORDER_EVENT_TYPE,
      ce_source: ORDER_EVENT_SOURCE,
      ce_time: event.at,
      "content-type": "application/json",
    },
  };
}

/**
 * The time of an event in the outbox as a span: from the change, by the database's clock, until the
 * bus has stored the event.
 */
export function outboxWait(clock: Clock): WaitSpan {
  return {
    name: `outbox ${ORDER_EVENTS.name}`,
    startedAt({ headers }) {
      const agoMs = clock.epochMs() - Date.parse(headers.ce_time ?? "");
      return clock.now() - Math.max(0, agoMs || 0);
    },
  };
}
