import { AppError } from "../../shared/errors.ts";
import type { CartLine, Product } from "./deps.ts";

/** An order line's count is a uint16, and so is a cart's. */
export const LINE_COUNT_MAX = 65_535;
/** loms takes at most so many lines an order, and a cart that cannot be ordered helps nobody. */
export const CART_LINES_MAX = 1000;
/** The product service and loms know uint32 SKUs only; a path may carry any int64. */
const SKU_MAX = 2n ** 32n - 1n;

/** The SKU as the product service and loms write it; undefined for one that neither can have. */
export function productSku(sku: bigint): number | undefined {
  return sku <= SKU_MAX ? Number(sku) : undefined;
}

export interface PricedLine extends CartLine, Product {}

/** Exact: 1000 lines of 65535 at the highest price are about 2^58. */
export function totalPrice(lines: readonly PricedLine[]): bigint {
  let total = 0n;
  for (const { price, count } of lines) total += BigInt(price) * BigInt(count);
  return total;
}

export function emptyCart(userId: bigint): AppError {
  return new AppError("not_found", `The cart of user ${userId} is empty`);
}
