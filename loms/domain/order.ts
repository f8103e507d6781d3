import type { EndReason, OrderStatus } from "../../proto/order-status.ts";

/** One SKU of an order; an order has one line per SKU, ascending by SKU. */
export interface OrderItem {
  /** uint32 above 0. */
  readonly sku: number;
  /** uint16 above 0. */
  readonly count: number;
  /** Of one unit, as it was agreed: uint32; undefined when the caller sent none. */
  readonly price?: number;
}

export interface Order {
  readonly orderId: bigint;
  readonly userId: bigint;
  readonly status: OrderStatus;
  readonly items: readonly OrderItem[];
  /** Of a cancelled or failed order; absent for one that ended before reasons were stored. */
  readonly reason?: EndReason;
}

/** Which orders of a user to list. */
export interface OrderListInput {
  readonly userId: bigint;
  /** Each once; empty for every status. */
  readonly statuses: readonly OrderStatus[];
  readonly pageSize: number;
  /** Only orders with a lower id; undefined for the first page. */
  readonly before: bigint | undefined;
}

export interface ListedOrder {
  readonly orderId: bigint;
  readonly status: OrderStatus;
  /** RFC 3339 with milliseconds, UTC. */
  readonly createdAt: string;
  /** Ascending by SKU. */
  readonly items: readonly OrderItem[];
}

export interface OrderPage {
  /** Newest first. */
  readonly orders: readonly ListedOrder[];
  /** `before` of the next page; undefined when there is none. */
  readonly next: bigint | undefined;
}

/** What the order costs, exactly; undefined when a line has no price. */
export function orderTotalPrice(items: readonly OrderItem[]): bigint | undefined {
  let total = 0n;
  for (const { price, count } of items) {
    if (price === undefined) return undefined;
    // Below 2^48, so exact as a number.
    total += BigInt(price * count);
  }
  return total;
}
