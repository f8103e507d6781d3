import type { OrderShortage } from "../../proto/loms/v1/order-shortage.ts";
import type { EndReason, OrderStatus } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";

/** One SKU of an order; an order has one line per SKU, ascending by SKU. */
export interface OrderItem {
  /** uint32 above 0. */
  readonly sku: number;
  /** uint16 above 0. */
  readonly count: number;
  /** The agreed price of one unit, uint32; undefined if the caller sent none. */
  readonly price?: number;
}

export interface Order {
  readonly orderId: bigint;
  readonly userId: bigint;
  readonly status: OrderStatus;
  readonly items: readonly OrderItem[];
  /** Set for a cancelled or failed order, except one that ended before reasons were stored. */
  readonly reason?: EndReason;
}

/** Which orders of a user to list. */
export interface OrderListInput {
  readonly userId: bigint;
  /** Without repeats; empty for every status. */
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
  /** `before` of the next page; undefined on the last one. */
  readonly next: bigint | undefined;
}

/** An order to create; `items` has one line per SKU, ascending by SKU. */
export interface NewOrder {
  readonly userId: bigint;
  readonly items: readonly OrderItem[];
  readonly idempotencyKey: string | undefined;
  /** From the request; stored with the order's events. */
  readonly traceparent: string;
}

export type OrderCreateOutcome =
  | { readonly kind: "created"; readonly orderId: bigint }
  /** The order exists with status `failed`; nothing is reserved. */
  | { readonly kind: "short"; readonly shortage: OrderShortage }
  /** The key belongs to an order with other items. */
  | { readonly kind: "key_reused"; readonly orderId: bigint };

/** An order to pay or cancel. */
export interface OrderChange {
  readonly orderId: bigint;
  readonly traceparent: string;
}

export type OrderChangeOutcome =
  | { readonly kind: "changed" }
  /** The order already has that status. */
  | { readonly kind: "unchanged" }
  | { readonly kind: "not_found" }
  | { readonly kind: "wrong_status"; readonly status: OrderStatus }
  /** The order awaits payment, past its payment deadline. */
  | { readonly kind: "payment_overdue" };

/**
 * Changes orders and stock. When a call resolves, its outcome is on the primary and on every
 * synchronous replica. Throws AppError `unavailable` or `deadline_exceeded` if the outcome is
 * unknown, and `resource_exhausted` if too many calls wait.
 */
export interface OrderWriter {
  orderCreate(order: NewOrder, context: RequestContext): Promise<OrderCreateOutcome>;
  orderPay(change: OrderChange, context: RequestContext): Promise<OrderChangeOutcome>;
  orderCancel(change: OrderChange, context: RequestContext): Promise<OrderChangeOutcome>;
  /** Cancels up to `max` orders past their payment deadline; returns their number. */
  expireOrders(max: number, context: RequestContext): Promise<number>;
}

/** The stock of one SKU. */
export interface Stock {
  readonly totalCount: bigint;
  /** Units of `totalCount` that are held for orders awaiting payment. */
  readonly reserved: bigint;
}

export interface SkuStock extends Stock {
  readonly sku: number;
}

/** Reads orders and stock from a healthy replica, or else from the primary. */
export interface OrderReader {
  orderInfo(orderId: bigint, context: RequestContext): Promise<Order | undefined>;
  stocksInfo(sku: number, context: RequestContext): Promise<Stock | undefined>;
  /** Consistent, ascending by SKU; SKUs without a stock row are omitted. */
  stocksInfoList(skus: readonly number[], context: RequestContext): Promise<readonly SkuStock[]>;
}

/** Pages of a user's orders, read like {@link OrderReader}. */
export interface OrderPages {
  /**
   * Ids descend from page to page, so no order is repeated. Orders acknowledged before the first
   * page was requested are visible to every page, so none is missed.
   */
  orderList(input: OrderListInput, context: RequestContext): Promise<OrderPage>;
}

/** The dependencies of loms' operations. */
export interface Deps {
  readonly writer: OrderWriter;
  readonly reader: OrderReader;
  readonly orderPages: OrderPages;
}
