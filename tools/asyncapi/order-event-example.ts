import { orderEventMessage } from "../../loms/outbox/order-event-message.ts";
import type { OrderEvent } from "../../proto/order-event.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/** Its user is above 2^53, where a reader that rounds is found out. */
const EVENT: OrderEvent = {
  id: "1-2",
  order_id: 1n,
  user_id: 9_007_199_254_740_993n,
  seq: 2,
  status: "awaiting payment",
  at: "2026-01-02T03:04:05.678Z",
};

/** An event as loms sends it. */
export function orderEventExample() {
  return { headers: orderEventMessage(EVENT, TRACEPARENT).headers, payload: EVENT };
}
