import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Deps } from "./deps.ts";
import { only } from "./only.ts";
import { settleOrderChange } from "./order-change.ts";

/**
 * Marks an order that awaits payment as payed and takes its items out of stock. An order that is
 * payed already is left as it is.
 * @throws {AppError} `not_found`; `failed_precondition` in any other status or past the payment deadline
 */
export async function orderPay(
  deps: Pick<Deps, "writer" | "wakeRelay">,
  orderId: bigint,
  context: RequestContext,
): Promise<void> {
  const change = { orderId, traceparent: context.traceparent };
  const outcome = only(await deps.writer.orderPay([change], context));
  settleOrderChange(deps, "pay", orderId, outcome);
}
