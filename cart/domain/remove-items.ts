import { productSku } from "./cart.ts";
import type { CheckoutDeps } from "./checkout.ts";

/** Removes the line of the SKU (int64 above 0) from the cart, if it is there. */
export async function deleteItem(
  deps: Pick<CheckoutDeps, "carts" | "attempts">,
  { userId, sku: givenSku }: { readonly userId: bigint; readonly sku: bigint },
): Promise<void> {
  const sku = productSku(givenSku);
  if (sku === undefined) return;
  deps.attempts.lineDeleted(userId, sku);
  await deps.carts.deleteItem(userId, sku);
}

/** Empties the cart, if there is one. */
export async function clearCart(
  deps: Pick<CheckoutDeps, "carts" | "attempts">,
  { userId }: { readonly userId: bigint },
): Promise<void> {
  deps.attempts.cartCleared(userId);
  await deps.carts.clearCart(userId);
}
