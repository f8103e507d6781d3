import type { RequestContext } from "../../shared/async/request-context.ts";
import { emptyCart, type PricedLine, totalPrice } from "./cart.ts";
import type { Deps } from "./deps.ts";
import { priceLines } from "./price-lines.ts";

export interface ListedCart {
  /** Ascending by SKU. */
  readonly items: readonly PricedLine[];
  readonly totalPrice: bigint;
}

/**
 * The cart with names and prices, which are requested concurrently.
 * @throws {AppError} `not_found` if the cart is empty; `unavailable` if a name or price is
 * unavailable
 */
export async function listCart(
  deps: Pick<Deps, "carts" | "products">,
  { userId }: { readonly userId: bigint },
  context: RequestContext,
): Promise<ListedCart> {
  const lines = await deps.carts.listCart(userId, context);
  if (lines.length === 0) throw emptyCart(userId);
  const items = await priceLines(deps, lines, context);
  return { items, totalPrice: totalPrice(items) };
}
