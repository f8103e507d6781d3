import { STOCK_EVENT_SOURCE, STOCK_EVENT_TYPE, type StockEvent } from "../../proto/stock-event.ts";
import type { OutgoingMessage } from "../../shared/bus/bus.ts";
import { eventMessage } from "./event-message.ts";

const ATTRIBUTES = { type: STOCK_EVENT_TYPE, source: STOCK_EVENT_SOURCE };

/** The event as a message. */
export function stockEventMessage(event: StockEvent, traceparent: string): OutgoingMessage {
  return eventMessage(String(event.sku), event, ATTRIBUTES, traceparent);
}
