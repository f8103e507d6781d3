import type { OrderShortage } from "../../proto/loms/v1/order-shortage.ts";
import type { EndReason, OrderStatus } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";

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

/** An order to create; `items` has one line per SKU, ascending by SKU. */
export interface NewOrder {
  readonly userId: bigint;
  readonly items: readonly OrderItem[];
  readonly idempotencyKey: string | undefined;
  /** Of the request; the order's events carry it. */
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
  /** The order has that status already. */
  | { readonly kind: "unchanged" }
  | { readonly kind: "not_found" }
  | { readonly kind: "wrong_status"; readonly status: OrderStatus }
  /** The order awaits payment, past its payment deadline. */
  | { readonly kind: "payment_overdue" };

/**
 * Changes orders and stock. When a call resolves, its outcome is on the primary and on every
 * synchronous replica. Throws AppError `unavailable` or `deadline_exceeded` when the outcome is
 * unknown, and `resource_exhausted` when too many calls wait.
 */
export interface OrderWriter {
  orderCreate(order: NewOrder, context: RequestContext): Promise<OrderCreateOutcome>;
  orderPay(change: OrderChange, context: RequestContext): Promise<OrderChangeOutcome>;
  orderCancel(change: OrderChange, context: RequestContext): Promise<OrderChangeOutcome>;
  /** Cancels up to `max` orders whose payment deadline has passed; returns how many. */
  expireOrders(max: number, context: RequestContext): Promise<number>;
}

/** What the warehouse holds of one SKU. */
export interface Stock {
  readonly totalCount: bigint;
  /** The part of `totalCount` that belongs to orders that await payment. */
  readonly reserved: bigint;
}

export interface SkuStock extends Stock {
  readonly sku: number;
}

/** Reads orders and stock from a healthy replica, or from the primary when there is none. */
export interface OrderReader {
  orderInfo(orderId: bigint, context: RequestContext): Promise<Order | undefined>;
  stocksInfo(sku: number, context: RequestContext): Promise<Stock | undefined>;
  /** Of one moment, ascending by SKU; SKUs without a stock row are left out. */
  stocksInfoList(skus: readonly number[], context: RequestContext): Promise<readonly SkuStock[]>;
}

/** Pages of a user's orders, read as {@link OrderReader} does. */
export interface OrderPages {
  /**
   * Ids only fall from page to page, so no order comes twice. One that was answered before the
   * first page was requested is there for every page, so none is missed.
   */
  orderList(input: OrderListInput, context: RequestContext): Promise<OrderPage>;
}

/** What loms' operations need from outside. */
export interface Deps {
  readonly writer: OrderWriter;
  readonly reader: OrderReader;
  readonly orderPages: OrderPages;
}
