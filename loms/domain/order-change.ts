import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import type { Deps, OrderChangeOutcome } from "./deps.ts";
import { noSuchOrder } from "./order-info.ts";

/**
 * Marks an order that awaits payment as payed and takes its items out of stock. Idempotent.
 * @throws {AppError} `not_found`; `failed_precondition` in any other status or past the payment
 * deadline
 */
export async function orderPay(
  deps: Pick<Deps, "writer">,
  orderId: bigint,
  context: RequestContext,
): Promise<void> {
  const change = { orderId, traceparent: context.traceparent };
  settle("pay", orderId, await deps.writer.orderPay(change, context));
}

/**
 * Cancels an order that awaits payment and releases its items. Idempotent.
 * @throws {AppError} `not_found`; `failed_precondition` for a payed or failed order
 */
export async function orderCancel(
  deps: Pick<Deps, "writer">,
  orderId: bigint,
  context: RequestContext,
): Promise<void> {
  const change = { orderId, traceparent: context.traceparent };
  settle("cancel", orderId, await deps.writer.orderCancel(change, context));
}

function settle(verb: "pay" | "cancel", orderId: bigint, outcome: OrderChangeOutcome): void {
  switch (outcome.kind) {
    case "changed":
    case "unchanged":
      return;
    case "not_found":
      throw noSuchOrder(orderId);
    case "wrong_status":
      throw refusal(verb, orderId, `it is ${outcome.status}`);
    case "payment_overdue":
      throw refusal(verb, orderId, "its payment deadline has passed");
  }
}

function refusal(verb: string, orderId: bigint, reason: string): AppError {
  return new AppError("failed_precondition", `Cannot ${verb} order ${orderId}: ${reason}`);
}
