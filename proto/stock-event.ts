import { z } from "zod";
import { int64Amount, skuNumber } from "./loms/v1/schemas.ts";

/**
 * The topic, with the groups that must exist before an event is published. On Kafka any group can
 * read it; the embedded bus keeps messages for the groups that are named here.
 */
export const STOCK_EVENTS = {
  name: "loms.stock-events",
  groups: [],
  deadLetterQueue: "loms.stock-events.dlq",
};

/** CloudEvents 1.0 attributes of a stock event. */
export const STOCK_EVENT_ATTRIBUTES = { type: "loms.stock.changed", source: "/loms" };

const STOCK_EVENT_KINDS = ["received", "counted", "sold_out", "back_in_stock"] as const;
export type StockEventKind = typeof STOCK_EVENT_KINDS[number];

/**
 * A change of the stock of one SKU: JSON in the message's value, key = sku. The texts in `meta` are
 * part of docs/api.
 */
export const stockEvent = z.object({
  id: z.string().meta({ description: "`<sku>-<number>`: unique forever; grows within a SKU" }),
  sku: skuNumber.meta({ description: "The SKU" }),
  kind: z.enum(STOCK_EVENT_KINDS).meta({
    description:
      "`received` or `counted` by an operator; `sold_out` or `back_in_stock` when what " +
      "can be bought falls to zero or rises above it",
  }),
  available: int64Amount.meta({ description: "Units that can be bought after it" }),
  total_count: int64Amount.meta({ description: "Units in the warehouse after it" }),
  at: z.iso.datetime({ precision: 3 }).meta({
    description: "The time of the change: RFC 3339 in UTC, with milliseconds",
  }),
}).meta({
  title: "StockEvent",
  description: "A change of the stock of one SKU. Consumers ignore unknown fields.",
});
export type StockEvent = z.output<typeof stockEvent>;
