import { ORDER_EVENT_SOURCE, ORDER_EVENT_TYPE, type OrderEvent } from "../../proto/order-event.ts";
import type { OutgoingMessage } from "../../shared/bus/bus.ts";
import { eventMessage } from "./event-message.ts";

const ATTRIBUTES = { type: ORDER_EVENT_TYPE, source: ORDER_EVENT_SOURCE };

/** The event as a message. */
export function orderEventMessage(event: OrderEvent, traceparent: string): OutgoingMessage {
  return eventMessage(String(event.order_id), event, ATTRIBUTES, traceparent);
}
