import { ORDER_EVENT_SOURCE, ORDER_EVENT_TYPE, type OrderEvent } from "../../proto/order-event.ts";
import type { OutgoingMessage } from "../../shared/bus/bus.ts";
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
