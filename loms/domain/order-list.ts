import type { OrderStatus } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Deps } from "./deps.ts";
import type { OrderItem } from "./order.ts";

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

/**
 * Returns a page of a user's orders, newest first. Ids only fall from page to page, so no order
 * comes twice; one that was answered before the first page was requested is there for every page,
 * so none is missed.
 */
export async function orderList(
  deps: Pick<Deps, "orderPages">,
  input: OrderListInput,
  context: RequestContext,
): Promise<OrderPage> {
  return await deps.orderPages.orderList(input, context);
}
