import type { OrderShortage } from "../../proto/loms/v1/order-shortage.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import type { Deps, OrderItem } from "./deps.ts";

/** Keeps the message below 1 KiB, a limit of gRPC; the error details name more SKUs. */
const SKUS_IN_MESSAGE_MAX = 10;

export interface OrderCreateInput {
  readonly userId: bigint;
  /** One line per SKU, ascending by SKU. */
  readonly items: readonly OrderItem[];
  readonly idempotencyKey: string | undefined;
}

/**
 * Creates an order, reserves its items and returns its id.
 * @throws {AppError} `failed_precondition` with the shortage if a SKU is short; the order then
 * exists with status `failed`. `already_exists` if the key belongs to an order of other items.
 */
export async function orderCreate(
  deps: Pick<Deps, "writer">,
  input: OrderCreateInput,
  context: RequestContext,
): Promise<bigint> {
  const order = { ...input, traceparent: context.traceparent };
  const outcome = await deps.writer.orderCreate(order, context);
  switch (outcome.kind) {
    case "created":
      return outcome.orderId;
    case "short":
      throw refusal(outcome.shortage);
    case "key_reused":
      throw new AppError(
        "already_exists",
        `The idempotency key belongs to order ${outcome.orderId}, which has other items`,
        { orderId: outcome.orderId },
      );
  }
}

/** The exact total price; undefined if a line has no price. */
export function orderTotalPrice(items: readonly OrderItem[]): bigint | undefined {
  let total = 0n;
  for (const { price, count } of items) {
    if (price === undefined) return undefined;
    // Below 2^48, so exact as a number.
    total += BigInt(price * count);
  }
  return total;
}

function refusal(shortage: OrderShortage): AppError {
  const { orderId, skus, skusTotal } = shortage;
  const named = skus.slice(0, SKUS_IN_MESSAGE_MAX).map(({ sku, requested, available }) =>
    `${requested} of sku ${sku}: ${available} in stock`
  );
  const unnamed = skusTotal - named.length;
  const rest = unnamed > 0 ? `; and ${unnamed} more` : "";
  const message = `Order ${orderId} failed: cannot reserve ${named.join("; ")}${rest}`;
  return new AppError("failed_precondition", message, { shortage });
}
