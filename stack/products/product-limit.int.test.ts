import { afterAll, beforeAll, expect, test } from "vitest";
import { ProductClient } from "../../shared/products/product-client.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import { PRODUCTS } from "./products.ts";
import { type RunningProducts, startProducts } from "./service.ts";

const PRODUCT_TOKEN = "testtoken";
const LOOKUPS = 35;
const STALL_MS = 900;

let products: RunningProducts;
beforeAll(async () => {
  const log = createLogger({ service: "products", level: "error", write: () => {} });
  products = await startProducts(
    { PRODUCT_TOKEN, PRODUCTS_HTTP: { host: "127.0.0.1", port: 0 } },
    log,
  );
});
afterAll(() => products.close());

function openClient() {
  return new ProductClient({
    url: products.url,
    token: PRODUCT_TOKEN,
    userAgent: "test/1",
    cacheTtlMs: 0,
  });
}

function newContext() {
  return backgroundContext(15_000);
}

async function stats() {
  const response = await fetch(`${products.url}/stats`);
  return await response.json() as { calls: unknown; max_in_any_second: number };
}

test("the product service sees at most 10 calls in any second, also after a stall", async () => {
  const client = openClient();
  const context = newContext();
  const skus = Array.from({ length: LOOKUPS }, (_, index) => index + 1);
  const answers = skus.map((sku) => client.getProduct(sku, context));
  // By now the first calls are granted, and not all of them are sent.
  await Promise.resolve();
  const stalledAt = performance.now();
  while (performance.now() - stalledAt < STALL_MS);
  expect(await Promise.all(answers)).toEqual(skus.map(() => undefined));
  const seen = await stats();
  expect(seen.calls).toEqual({ get_product: LOOKUPS, list_skus: 0 });
  expect(seen.max_in_any_second).toBeLessThanOrEqual(10);
  context.close();
  client.close();
});

test("client and product service agree over the network", async () => {
  const client = openClient();
  const context = newContext();
  expect(await client.listSkus(1005, 2, context)).toEqual([1076963, 1148162]);
  expect(await client.getProduct(2618151, context)).toEqual(PRODUCTS.get(2618151));
  await fetch(`${products.url}/faults`, {
    method: "PUT",
    body: JSON.stringify({ status: 429, retry_after_s: 1, next: 1 }),
  });
  expect(await client.getProduct(1148162, context)).toEqual(PRODUCTS.get(1148162));
  context.close();
  client.close();
});
