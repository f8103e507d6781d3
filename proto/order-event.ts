import { z } from "zod";
import { int64Id } from "./loms/v1/schemas.ts";
import { END_REASONS, ORDER_STATUSES } from "./order-status.ts";

/** The consumer group of the notifier. */
export const NOTIFIER_GROUP = "notifier";

/** The topic, with the groups that must exist before an event is published. */
export const ORDER_EVENTS = {
  name: "loms.order-events",
  groups: [NOTIFIER_GROUP],
  deadLetterQueue: "loms.order-events.dlq",
};

/** CloudEvents 1.0 attributes of an order event. */
export const ORDER_EVENT_ATTRIBUTES = { type: "loms.order.status-changed", source: "/loms" };

/**
 * One status change of an order: JSON in the message's value, key = order id. The texts in `meta`
 * are part of docs/api.
 */
export const orderEvent = z.object({
  id: z.string().meta({ description: "`<order_id>-<seq>`: unique forever" }),
  order_id: int64Id.meta({ description: "The order" }),
  user_id: int64Id.meta({ description: "The user of the order" }),
  seq: z.int32().min(1).meta({
    format: "int32",
    description: "1, 2, 3 … per order, without gaps: drop events that are not above the last one",
  }),
  status: z.enum(ORDER_STATUSES).meta({ description: "The new status of the order" }),
  at: z.iso.datetime({ precision: 3 }).meta({
    description: "The time of the change: RFC 3339 in UTC, with milliseconds",
  }),
  reason: z.enum(END_REASONS).optional().meta({
    description: "Why a cancelled order (`buyer`, `payment_timeout`) or a failed one " +
      "(`out_of_stock`) ended; absent from other events, and from those of orders that ended " +
      "before loms stored reasons",
  }),
}).meta({
  title: "OrderEvent",
  description: "One status change of an order. Consumers ignore unknown fields.",
});
export type OrderEvent = z.output<typeof orderEvent>;
