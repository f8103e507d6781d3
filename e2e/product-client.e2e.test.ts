import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { startOwnCart } from "./alone.ts";
import { call } from "./http.ts";
import { expectProblem } from "./problems.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

/** Ten in any one second, counted by the product service itself. */
const LIMIT_PER_S = 10;
const LISTS = 300;
/** For 80 concurrent requests on a busy machine; far below the deadline of 5 s. */
const AT_ONCE_MS = 2_000;
const SKUS = [
  ...[1_148_162, 1_625_903, 2_618_151, 2_956_315, 2_958_025, 3_596_599, 3_618_852, 4_288_068],
  ...[4_465_995, 30_816_475, 135_937_324, 773_297_411, 1_002, 1_003, 1_004, 1_005],
];
const SKU = 2_618_151;

const shop = inject("shop");
const { products } = shop.urls;
/** Requests to the product service in each round. */
let uncached: Awaited<ReturnType<typeof startOwnCart>>;
let actions: ReturnType<typeof shopAt>;

interface Stats {
  readonly calls: { readonly get_product: number };
  readonly max_in_any_second: number;
}
const stats = async (): Promise<Stats> =>
  (await call(products, "GET /stats")).body as unknown as Stats;
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

test("300 concurrent lists stay within the limit of the product service", async () => {
  const users = Array.from({ length: LISTS }, () => newUser());
  await Promise.all(
    users.map(async (user, index) => {
      const answer = await actions.tryAdd(user, SKUS[index % SKUS.length] as number, 1);
      expect(answer.status, answer.text).toBe(200);
    }),
  );
  const answers = await Promise.all(
    users.map((user) => call(uncached.url, `GET /user/${user}/cart/list`)),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(LISTS).fill(200));
  const { calls, max_in_any_second } = await stats();
  expect(max_in_any_second).toBeLessThanOrEqual(LIMIT_PER_S);
  expect(calls.get_product, "more than the limit lets through in one second")
    .toBeGreaterThan(LIMIT_PER_S);
});

test("adds and lists share one limit, and a call that would be late is refused", async () => {
  const unknown = 4_000_000_000;
  const startedAt = performance.now();
  const answers = await Promise.all(
    Array.from({ length: 80 }, async (_, index) => {
      const answer = await actions.tryAdd(newUser(), unknown + index, 1);
      return { status: answer.status, afterMs: performance.now() - startedAt };
    }),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([412, 503]));
  // A few more may reach their deadline, if the calls before them took long.
  const atOnce = answers.filter(({ status, afterMs }) => status === 503 && afterMs < AT_ONCE_MS);
  expect(atOnce.length, "80 calls need 8 s, and 5 s are allowed").toBeGreaterThanOrEqual(20);
  expect((await stats()).max_in_any_second).toBeLessThanOrEqual(LIMIT_PER_S);
});

test("concurrent lookups of one SKU share one call", async () => {
  await Promise.all(Array.from({ length: 20 }, () => actions.add(newUser(), SKU, 1)));
  expect((await stats()).calls.get_product).toBeLessThanOrEqual(3);
});

test.each([420, 429, 500, 503])("three answers %i are retried", async (status) => {
  await setFaults({ status, next: 3 });
  await actions.add(newUser(), SKU, 1);
  const { calls, max_in_any_second } = await stats();
  expect(calls.get_product).toBe(4);
  expect(max_in_any_second).toBeLessThanOrEqual(LIMIT_PER_S);
});

test("after three retries the add is unavailable and the cart unchanged", async () => {
  const user = newUser();
  await setFaults({ status: 429, next: 4 });
  expectProblem(await actions.tryAdd(user, SKU, 1), 503);
  expect((await stats()).calls.get_product).toBe(4);
  expect(await actions.inCart(user)).toEqual({});
});

test("Retry-After is honoured", async () => {
  await setFaults({ status: 429, retry_after_s: 1, next: 1 });
  const startedAt = performance.now();
  await actions.add(newUser(), SKU, 1);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_000);
});

test("a list is unavailable while the product service is down", async () => {
  const user = newUser();
  await actions.add(user, SKU, 1);
  await setFaults({ status: 500 });
  expectProblem(await call(uncached.url, `GET /user/${user}/cart/list`), 503);
  await call(products, "DELETE /faults");
  expect(await actions.inCart(user)).toEqual({ [SKU]: 1 });
});

test("a product call that hangs ends at the deadline", async () => {
  const user = newUser();
  await setFaults({ hang: true });
  const startedAt = performance.now();
  const answer = await actions.tryAdd(user, SKU, 1);
  expect([503, 504]).toContain(answer.status);
  expect(performance.now() - startedAt).toBeLessThan(6_000);
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
