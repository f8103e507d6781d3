import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { readSamples } from "../shared/telemetry/samples.ts";
import { startOwnCart } from "./alone.ts";
import { eventually } from "./eventually.ts";
import { call } from "./http.ts";
import { expectProblem } from "./problems.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

/** Ten in any one second, counted by the product service itself. */
const LIMIT_PER_S = 10;
const UNKNOWN_SKUS = 4_000_000_000;
const SKUS = [
  ...[1_148_162, 1_625_903, 2_618_151, 2_956_315, 2_958_025, 3_596_599, 3_618_852, 4_288_068],
  ...[4_465_995, 30_816_475, 135_937_324, 773_297_411, 1_002, 1_003, 1_004, 1_005],
];
const SKU = 2_618_151;

const shop = inject("shop");
const { products } = shop.urls;
/** A cart without a product cache. */
let uncached: Awaited<ReturnType<typeof startOwnCart>>;
let actions: ReturnType<typeof shopAt>;

interface Stats {
  readonly calls: { readonly get_product: number };
  readonly max_in_any_second: number;
}
const stats = async (): Promise<Stats> =>
  (await call(products, "GET /stats")).body as unknown as Stats;
/** Calls of {@link uncached} that wait for the rate limit. */
async function waiting(): Promise<number> {
  const { text } = await call(uncached.url, "GET /metrics");
  return readSamples(text).get("product_calls_waiting") ?? NaN;
}
const setFaults = (faults: object) => call(products, "PUT /faults", { body: faults });

beforeAll(async () => {
  uncached = await startOwnCart(shop, { PRODUCT_CACHE_TTL: "0" });
  actions = shopAt({ urls: { ...shop.urls, cart: uncached.url } });
});
afterAll(() => uncached.close());
beforeEach(async () => {
  await call(products, "DELETE /stats");
});
afterEach(async () => {
  await call(products, "DELETE /faults");
});

// shared/products/product-client.test.ts has the other rules.

test("adds and lists share one limit, and calls that would be late are refused", async () => {
  const users = SKUS.map(() => newUser());
  await Promise.all(users.map((user, at) => actions.add(user, SKUS[at] as number, 1)));
  const lists = users.map((user) => call(uncached.url, `GET /user/${user}/cart/list`));
  // Over separate connections, requests may arrive in another order.
  await eventually(async () => {
    const { get_product: made } = (await stats()).calls;
    expect(made + await waiting()).toBe(users.length + lists.length);
  });
  const adds = Array.from(
    { length: 80 },
    (_, at) => actions.tryAdd(newUser(), UNKNOWN_SKUS + at, 1),
  );
  for (const { status } of await Promise.all(lists)) expect(status).toBe(200);
  const statuses = (await Promise.all(adds)).map(({ status }) => status);
  expect(new Set(statuses), "80 calls need 8 s, and 5 s are allowed").toEqual(new Set([412, 503]));
  expect((await stats()).max_in_any_second).toBeLessThanOrEqual(LIMIT_PER_S);
});

test("after three retries the add is unavailable and the cart unchanged", async () => {
  const user = newUser();
  await setFaults({ status: 429, next: 4 });
  expectProblem(await actions.tryAdd(user, SKU, 1), 503);
  expect((await stats()).calls.get_product).toBe(4);
  expect(await actions.inCart(user)).toEqual({});
});

test("a known product is answered from the cache", async () => {
  const cached = await startOwnCart(shop);
  try {
    const { add, inCart } = shopAt({ urls: { ...shop.urls, cart: cached.url } });
    const user = newUser();
    await add(user, SKU, 1);
    await setFaults({ status: 500 });
    await add(user, SKU, 1);
    expect(await inCart(user)).toEqual({ [SKU]: 2 });
    expect((await stats()).calls.get_product).toBe(1);
  } finally {
    await cached.close();
  }
});
