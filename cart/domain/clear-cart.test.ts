import { expect, test } from "vitest";
import { fill, testDeps } from "../test/deps.ts";
import { clearCart } from "./clear-cart.ts";

test("clearCart() empties the cart of that user only, however often", async () => {
  const deps = testDeps();
  await fill(deps, 7n, { 10: 2, 20: 1 });
  await fill(deps, 8n, { 10: 1 });
  await clearCart(deps, { userId: 7n });
  await clearCart(deps, { userId: 7n });
  expect(deps.carts.size()).toEqual({ carts: 1, lines: 1 });
  expect(await deps.carts.listCart(8n)).toEqual([{ sku: 10, count: 1 }]);
});
