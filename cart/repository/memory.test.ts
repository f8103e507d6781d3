import { expect, test } from "vitest";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { readSamples } from "../../shared/telemetry/test-samples.ts";
import { cartsContract } from "./carts-contract.ts";
import { MemoryCarts, watchCarts } from "./memory.ts";

cartsContract("MemoryCarts", () => Promise.resolve(new MemoryCarts()));

test("a scrape returns the current numbers of carts and lines", async () => {
  const metrics = new Metrics("cart");
  const repository = new MemoryCarts();
  watchCarts(repository, metrics);
  const limits = { countMax: 10, linesMax: 10 };
  const size = async () => {
    const samples = readSamples(await metrics.text());
    return [samples.get("cart_repository_carts"), samples.get("cart_repository_lines")];
  };
  for (const sku of [1, 2, 2]) await repository.addItem(7n, { sku, count: 1 }, limits);
  await repository.addItem(8n, { sku: 1, count: 1 }, limits);
  expect(await size()).toEqual([2, 3]);
  await repository.clearCart(7n);
  expect(await size()).toEqual([1, 1]);
});
