import { expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { readSamples } from "../../shared/telemetry/samples.ts";
import { cartsContract } from "./carts-contract.ts";
import { TTL_MS } from "../test/carts-under-test.ts";
import { watchCarts } from "./cart-metrics.ts";
import { MemoryCarts, type MemoryCartsOptions } from "./memory.ts";

const limits = { countMax: 10, linesMax: 10 };

function openCarts(options: Partial<MemoryCartsOptions> = {}): MemoryCarts {
  let keys = 0;
  return new MemoryCarts({ newIdempotencyKey: () => `key-${++keys}`, ...options });
}

cartsContract("MemoryCarts", async () => {
  const clock = new VirtualClock();
  const carts = openCarts({ ttlMs: TTL_MS, clock });
  return { carts, size: async () => carts.size(), advance: (ms) => clock.advance(ms) };
});

test("a cart ends exactly CART_TTL after its last change", async () => {
  const clock = new VirtualClock();
  const carts = openCarts({ ttlMs: 1_000, clock });
  await carts.addItem(1n, { sku: 1, count: 1 }, limits);
  await clock.advance(999);
  expect(await carts.listCart(1n)).toHaveLength(1);
  await clock.advance(1);
  expect(await carts.listCart(1n)).toEqual([]);
});

test("expired carts are counted and removed from memory", async () => {
  const clock = new VirtualClock();
  let expired = 0;
  const carts = openCarts({ ttlMs: 1_000, clock, onExpired: (ended) => expired += ended });
  for (let user = 1n; user <= 5_000n; user++) {
    await carts.addItem(user, { sku: 1, count: 1 }, limits);
    await clock.advance(1);
    expect(carts.size().carts).toBeLessThanOrEqual(1_000);
  }
  await clock.advance(1_000);
  expect(carts.size()).toEqual({ carts: 0, lines: 0 });
  expect(expired).toBe(5_000);
});

test("a scrape returns the current numbers of carts and lines", async () => {
  const metrics = new Metrics("cart");
  const repository = openCarts();
  watchCarts(() => repository.size(), metrics);
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
