import type { OrderItem } from "../domain/deps.ts";

/** A line of an order, as statements return it. */
export interface OrderItemRow {
  readonly sku: bigint;
  readonly count: number;
  readonly price: bigint | null;
}

export function toOrderItem({ sku, count, price }: OrderItemRow): OrderItem {
  const item = { sku: Number(sku), count };
  return price === null ? item : { ...item, price: Number(price) };
}
