import type { ListedOrder } from "./clients/gen/loms/types.gen.ts";

/** Wide enough for any uint32. */
const SKU_WIDTH = 12;
const MIDDLE_WIDTH = 14;
/** Width of the longest status, "awaiting payment". */
export const STATUS_WIDTH = 16;

/** One line of a list: a SKU, its numbers, its name. */
export function itemLine(sku: bigint | number, middle: string, name: string): string {
  return `  ${String(sku).padEnd(SKU_WIDTH)}${middle.padEnd(MIDDLE_WIDTH)}${name}`.trimEnd();
}

/** An order of a list in one line. */
export function orderLine(order: ListedOrder): string {
  const { orderID, status, created_at, items, total_price } = order;
  const lines = items.map(({ sku, count }) => `${count} × ${sku}`).join(", ");
  const total = total_price === undefined ? "" : `  total ${total_price}`;
  return `  order ${orderID}  ${status.padEnd(STATUS_WIDTH)}  ${created_at}  ${lines}${total}`;
}
