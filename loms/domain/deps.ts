import type { RequestContext } from "../../shared/async/request-context.ts";
import type { OrderShortage } from "../../shared/errors.ts";
import type { Order, OrderItem, OrderStatus } from "./order.ts";
import type { Stock } from "./stock.ts";

/** An order to be made; `items` has one line a SKU, ascending by SKU. */
export interface NewOrder {
  readonly userId: bigint;
  readonly items: readonly OrderItem[];
  readonly idempotencyKey: string | undefined;
  /** Of the request that asks; it travels with the order's events. */
  readonly traceparent: string;
}

export type OrderCreateOutcome =
  | { readonly kind: "created"; readonly orderId: bigint }
  /** The order exists with status `failed`; nothing is reserved. */
  | { readonly kind: "short"; readonly shortage: OrderShortage }
  /** The key belongs to an order of other items. */
  | { readonly kind: "key_reused"; readonly orderId: bigint };

/** An order to be payed or cancelled. */
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
 * Changes orders and stock. Every call takes a list and answers each element by itself, in the
 * list's order; one bad element never fails its neighbours. A call is one transaction: when it
 * resolves, everything it answers is on the primary and on every synchronous replica.
 * Throws AppError `unavailable` or `deadline_exceeded` when the outcome is unknown.
 */
export interface OrderWriter {
  orderCreate(
    orders: readonly NewOrder[],
    context: RequestContext,
  ): Promise<readonly OrderCreateOutcome[]>;
  orderPay(
    changes: readonly OrderChange[],
    context: RequestContext,
  ): Promise<readonly OrderChangeOutcome[]>;
  orderCancel(
    changes: readonly OrderChange[],
    context: RequestContext,
  ): Promise<readonly OrderChangeOutcome[]>;
  /** Cancels up to `max` orders whose payment deadline has passed; tells how many. */
  expireOrders(max: number, context: RequestContext): Promise<number>;
}

/** Reads orders and stock, from any healthy replica, else from the primary. */
export interface OrderReader {
  orderInfo(orderId: bigint, context: RequestContext): Promise<Order | undefined>;
  stocksInfo(sku: number, context: RequestContext): Promise<Stock | undefined>;
}

/** What loms' operations need from outside. */
export interface Deps {
  readonly writer: OrderWriter;
  readonly reader: OrderReader;
  /** Tells the relay of this process that events wait; never throws, never blocks. */
  readonly wakeRelay: () => void;
}
