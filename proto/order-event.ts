import { z } from "zod";
import { int64Id } from "./integers.ts";
import { ORDER_STATUSES } from "./loms/v1/schemas.ts";

export const ORDER_EVENTS_TOPIC = "loms.order-events";
export const ORDER_EVENTS_DEAD_LETTERS = "loms.order-events.dlq";
/** The consumer group of the notifier. */
export const NOTIFIER_GROUP = "notifier";

/** The topic with all that must exist before anybody publishes to it. */
export const ORDER_EVENTS = {
  name: ORDER_EVENTS_TOPIC,
  groups: [NOTIFIER_GROUP],
  deadLetters: ORDER_EVENTS_DEAD_LETTERS,
};

/** CloudEvents 1.0 attributes of an order event. */
export const ORDER_EVENT_TYPE = "loms.order.status-changed";
export const ORDER_EVENT_SOURCE = "/loms";

/** One status change of an order, as it travels: JSON in the message's value, key = order id. */
export const orderEvent = z.object({
  /** `<order_id>-<seq>`: unique for ever. */
  id: z.string(),
  order_id: int64Id,
  user_id: int64Id,
  /** 1, 2, 3 … per order, without gaps. */
  seq: z.number().int().positive(),
  status: z.enum(ORDER_STATUSES),
  /** RFC 3339 with milliseconds, UTC. */
  at: z.iso.datetime({ precision: 3 }),
});
export type OrderEvent = z.output<typeof orderEvent>;
