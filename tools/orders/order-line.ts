import type { ListedOrder } from "../clients/gen/loms/types.gen.ts";

/** As wide as the longest status, "awaiting payment". */
const STATUS_WIDTH = 16;

/** An order of a list in one line. */
export function orderLine(
  { orderID, status, created_at, items, total_price }: ListedOrder,
): string {
  const lines = items.map(({ sku, count }) => `${count} × ${sku}`).join(", ");
  const total = total_price === undefined ? "" : `  total ${total_price}`;
  return `  order ${orderID}  ${status.padEnd(STATUS_WIDTH)}  ${created_at}  ${lines}${total}`;
}
