import { productSku } from "./cart.ts";
import type { Deps } from "./deps.ts";

/** Takes the line of the SKU (int64 above 0) out of the cart, if it is there. */
export async function deleteItem(
  deps: Pick<Deps, "carts" | "attempts">,
  { userId, sku: givenSku }: { readonly userId: bigint; readonly sku: bigint },
): Promise<void> {
  const sku = productSku(givenSku);
  if (sku === undefined) return;
  deps.attempts.lineDeleted(userId, sku);
  await deps.carts.deleteItem(userId, sku);
}
