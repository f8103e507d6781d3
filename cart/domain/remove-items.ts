import type { RequestContext } from "../../shared/async/request-context.ts";
import { productSku } from "./cart.ts";
import type { Deps } from "./deps.ts";

/** Removes the line of the SKU (int64 above 0) from the cart, if it is there. */
export async function deleteItem(
  { carts }: Pick<Deps, "carts">,
  { userId, sku: givenSku }: { readonly userId: bigint; readonly sku: bigint },
  context: RequestContext,
): Promise<void> {
  const sku = productSku(givenSku);
  if (sku !== undefined) await carts.deleteItem(userId, sku, context);
}

/** Empties the cart, if there is one. */
export async function clearCart(
  { carts }: Pick<Deps, "carts">,
  { userId }: { readonly userId: bigint },
  context: RequestContext,
): Promise<void> {
  await carts.clearCart(userId, context);
}
