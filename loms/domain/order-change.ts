import { AppError } from "../../shared/errors.ts";
import type { Deps, OrderChangeOutcome } from "./deps.ts";

export function noSuchOrder(orderId: bigint): AppError {
  return new AppError("not_found", `There is no order ${orderId}`);
}

/**
 * Turns the outcome of a pay or a cancel into an answer, and wakes the relay if it made an event.
 * @throws {AppError} `not_found` or `failed_precondition`
 */
export function settleOrderChange(
  deps: Pick<Deps, "wakeRelay">,
  verb: "pay" | "cancel",
  orderId: bigint,
  outcome: OrderChangeOutcome,
): void {
  switch (outcome.kind) {
    case "changed":
      return deps.wakeRelay();
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
