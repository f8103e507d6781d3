import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import type { Deps, Order } from "./deps.ts";

/**
 * Returns an order's status, owner and items.
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

export function noSuchOrder(orderId: bigint): AppError {
  return new AppError("not_found", `There is no order ${orderId}`);
}
