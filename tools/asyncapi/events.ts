import { orderEventMessage } from "../../loms/outbox/order-event-message.ts";
import { stockEventMessage } from "../../loms/outbox/stock-event-message.ts";
import {
  ORDER_EVENT_SOURCE,
  ORDER_EVENT_TYPE,
  ORDER_EVENTS_TOPIC,
  type OrderEvent,
  orderEvent,
} from "../../proto/order-event.ts";
import {
  STOCK_EVENT_SOURCE,
  STOCK_EVENT_TYPE,
  STOCK_EVENTS_TOPIC,
  type StockEvent,
  stockEvent,
} from "../../proto/stock-event.ts";
import type { DescribedEvent } from "./described-event.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** Its user is above 2^53, where a reader that rounds is found out. */
const ORDER_EXAMPLE: OrderEvent = {
  id: "1-2",
  order_id: 1n,
  user_id: 9_007_199_254_740_993n,
  seq: 2,
  status: "awaiting payment",
  at: "2026-01-02T03:04:05.678Z",
};

/** Its total is above 2^53, too. */
const STOCK_EXAMPLE: StockEvent = {
  id: "773297411-42",
  sku: 773_297_411,
  kind: "counted",
  available: 9_007_199_254_740_983n,
  total_count: 9_007_199_254_740_993n,
  at: "2026-01-02T03:04:05.678Z",
};

export const ORDER_EVENT: DescribedEvent = {
  channel: "orderEvents",
  message: "orderStatusChanged",
  topic: ORDER_EVENTS_TOPIC,
  schema: orderEvent,
  type: ORDER_EVENT_TYPE,
  source: ORDER_EVENT_SOURCE,
  titles: {
    channel: "Order events",
    message: "Order status changed",
    operation: "Publish order events",
  },
  channelDescription: "At least two partitions; the order id is the key, so an order stays in one.",
  operationSummary: "loms publishes each status change, once its transaction is committed",
  keyDescription: "The order id",
  namesRefused: true,
  example: {
    name: "awaitingPayment",
    summary: "An order was placed",
    headers: orderEventMessage(ORDER_EXAMPLE, TRACEPARENT).headers,
    payload: ORDER_EXAMPLE,
  },
};

export const STOCK_EVENT: DescribedEvent = {
  channel: "stockEvents",
  message: "stockChanged",
  topic: STOCK_EVENTS_TOPIC,
  schema: stockEvent,
  type: STOCK_EVENT_TYPE,
  source: STOCK_EVENT_SOURCE,
  titles: {
    channel: "Stock events",
    message: "Stock changed",
    operation: "Publish stock events",
  },
  channelDescription: "At least two partitions; the SKU is the key, so a SKU stays in one.",
  operationSummary: "loms publishes deliveries, counts, and when a SKU is sold out or back in " +
    "stock, once the transaction is committed",
  keyDescription: "The SKU",
  namesRefused: false,
  example: {
    name: "counted",
    summary: "A SKU was counted",
    headers: stockEventMessage(STOCK_EXAMPLE, TRACEPARENT).headers,
    payload: STOCK_EXAMPLE,
  },
};
