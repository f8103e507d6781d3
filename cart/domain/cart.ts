import { ORDER_LINES_MAX, UINT16_MAX, UINT32_MAX } from "../../proto/loms/v1/limits.ts";
import type { Product } from "../../proto/product-service.ts";
import { AppError } from "../../shared/errors.ts";
import type { CartLine } from "./deps.ts";

/** The count of a cart line is a uint16, as in an order. */
export const LINE_COUNT_MAX = UINT16_MAX;
/** The limit of loms for an order: a larger cart could not be ordered. */
export const CART_LINES_MAX = ORDER_LINES_MAX;
/** A path may contain any int64, but SKUs of the product service and loms are uint32. */
const SKU_MAX = BigInt(UINT32_MAX);

/** The SKU as a uint32; undefined when it is larger, so that no product can have it. */
export function productSku(sku: bigint): number | undefined {
  return sku <= SKU_MAX ? Number(sku) : undefined;
}

export interface PricedLine extends CartLine, Product {}

/** Exact: 1000 lines of 65535 at the highest price are about 2^58. */
export function totalPrice(lines: readonly (CartLine & Pick<Product, "price">)[]): bigint {
  let total = 0n;
  for (const { price, count } of lines) total += BigInt(price) * BigInt(count);
  return total;
}

export function emptyCart(userId: bigint): AppError {
  return new AppError("not_found", `The cart of user ${userId} is empty`);
}

/**
 * Throws the failure of a call to another service. A call without an answer before the deadline is
 * `unavailable`; other errors are thrown unchanged.
 */
export function deadlineAsUnavailable(server: string, error: unknown): never {
  if (!(error instanceof AppError) || error.code !== "deadline_exceeded") throw error;
  throw new AppError("unavailable", `${server} did not answer in time`, { cause: error });
}
