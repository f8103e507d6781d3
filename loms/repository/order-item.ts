import type { OrderItem } from "../domain/deps.ts";

/** A line of an order, as statements return it. */
export interface OrderItemRow {
  readonly sku: bigint;
  readonly count: number;
  readonly price: bigint | null;
}

/** SQL for the total price of an order; null if a line has no price. */
export const totalPriceOf = (orderId: string) =>
  `(
    select case when count(item.price) = count(*) then sum(item.price * item.count) end
    from order_items item where item.order_id = ${orderId}
  )::int8`;

export function toOrderItem({ sku, count, price }: OrderItemRow): OrderItem {
  const item = { sku: Number(sku), count };
  return price === null ? item : { ...item, price: Number(price) };
}
