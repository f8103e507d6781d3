import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Deps } from "./deps.ts";
import type { Order } from "./order.ts";
import { noSuchOrder } from "./order-change.ts";

/**
 * Tells an order's status, owner and items.
 * @throws {AppError} `not_found`
 */
export async function orderInfo(
  deps: Pick<Deps, "reader">,
  orderId: bigint,
  context: RequestContext,
): Promise<Order> {
  const order = await deps.reader.orderInfo(orderId, context);
  if (!order) throw noSuchOrder(orderId);
  return order;
}
