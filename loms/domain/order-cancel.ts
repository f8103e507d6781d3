import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Deps } from "./deps.ts";
import { only } from "./only.ts";
import { settleOrderChange } from "./order-change.ts";

/**
 * Cancels an order that awaits payment and frees its items. An order that is cancelled already is
 * left as it is.
 * @throws {AppError} `not_found`; `failed_precondition` for a payed or failed order
 */
export async function orderCancel(
  deps: Pick<Deps, "writer" | "wakeRelay">,
  orderId: bigint,
  context: RequestContext,
): Promise<void> {
  const change = { orderId, traceparent: context.traceparent };
  const outcome = only(await deps.writer.orderCancel([change], context));
  settleOrderChange(deps, "cancel", orderId, outcome);
}
