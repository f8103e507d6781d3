import { expect, test } from "vitest";
import { fill, testContext, testDeps } from "../test/deps.ts";
import { clearCart, deleteItem } from "./remove-items.ts";

test("deleteItem() removes the whole line and nothing else", async () => {
  const deps = testDeps();
  await fill(deps, 7n, { 10: 2, 20: 1 });
  await deleteItem(deps, { userId: 7n, sku: 10n }, testContext());
  expect(await deps.carts.listCart(7n)).toEqual([{ sku: 20, count: 1 }]);
});

test("deleteItem() of a SKU that is not in the cart changes nothing", async () => {
  const deps = testDeps();
  await fill(deps, 7n, { 10: 2 });
  // 2^32 + 10 truncated to 32 bits would be 10.
  for (const sku of [20n, 2n ** 32n + 10n, 2n ** 63n - 1n]) {
    await deleteItem(deps, { userId: 7n, sku }, testContext());
  }
  await deleteItem(deps, { userId: 8n, sku: 10n }, testContext());
  expect(await deps.carts.listCart(7n)).toEqual([{ sku: 10, count: 2 }]);
});

test("clearCart() empties the cart of that user only, also when repeated", async () => {
  const deps = testDeps();
  await fill(deps, 7n, { 10: 2, 20: 1 });
  await fill(deps, 8n, { 10: 1 });
  await clearCart(deps, { userId: 7n }, testContext());
  await clearCart(deps, { userId: 7n }, testContext());
  expect(deps.carts.size()).toEqual({ carts: 1, lines: 1 });
  expect(await deps.carts.listCart(8n)).toEqual([{ sku: 10, count: 1 }]);
});
