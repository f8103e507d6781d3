import type { Deps } from "./deps.ts";

/** Empties the cart, if there is one. */
export async function clearCart(
  deps: Pick<Deps, "carts" | "attempts">,
  { userId }: { readonly userId: bigint },
): Promise<void> {
  deps.attempts.cartCleared(userId);
  await deps.carts.clearCart(userId);
}
