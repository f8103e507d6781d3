import { z } from "zod";
import { int64Amount, int64Id, itemCount, skuNumber, UINT16_MAX } from "../../integers.ts";

/** Lines of one OrderCreate, before lines of one SKU are summed. */
export const ORDER_LINES_MAX = 1000;

export const ORDER_STATUSES = [
  "new",
  "awaiting payment",
  "failed",
  "payed",
  "cancelled",
] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

const item = z.strictObject({ sku: skuNumber, count: itemCount }).meta({ id: "Item" });
const noFields = z.strictObject({});
const orderRef = z.strictObject({ orderID: int64Id });

/** Lines of one SKU become one; ascending by SKU. */
function sumBySku(lines: readonly { sku: number; count: number }[]) {
  const counts = new Map<number, number>();
  for (const { sku, count } of lines) counts.set(sku, (counts.get(sku) ?? 0) + count);
  return [...counts].map(([sku, count]) => ({ sku, count })).sort((a, b) => a.sku - b.sku);
}

const items = z.array(item)
  .min(1, "must have at least one line")
  .max(ORDER_LINES_MAX, `must have at most ${ORDER_LINES_MAX} lines`)
  .transform((lines, context) => {
    const summed = sumBySku(lines);
    for (const { sku, count } of summed) {
      if (count <= UINT16_MAX) continue;
      context.addIssue(`counts of sku ${sku} add up to ${count}, more than ${UINT16_MAX}`);
    }
    return summed;
  });

export const orderCreateRequest = z.strictObject({ user: int64Id, items })
  .meta({ id: "OrderCreateRequest" });
export const orderCreateResponse = z.strictObject({ orderID: int64Id })
  .meta({ id: "OrderCreateResult" });

export const orderInfoRequest = orderRef.meta({ id: "OrderInfoRequest" });
export const orderInfoResponse = z.strictObject({
  status: z.enum(ORDER_STATUSES),
  user: int64Id,
  items: z.array(item),
}).meta({ id: "OrderInfoResult" });

export const orderPayRequest = orderRef.meta({ id: "OrderPayRequest" });
export const orderPayResponse = noFields.meta({ id: "OrderPayResult" });

export const orderCancelRequest = orderRef.meta({ id: "OrderCancelRequest" });
export const orderCancelResponse = noFields.meta({ id: "OrderCancelResult" });

export const stocksInfoRequest = z.strictObject({ sku: skuNumber })
  .meta({ id: "StocksInfoRequest" });
export const stocksInfoResponse = z.strictObject({ count: int64Amount })
  .meta({ id: "StocksInfoResult" });

/** 1 to 255 printable ASCII characters. */
export const IDEMPOTENCY_KEY = /^[ -~]{1,255}$/;
