import { afterEach, expect, inject, test } from "vitest";
import { call, type Sent } from "./http.ts";

const { products } = inject("shop").urls;
const token = "testtoken";
const SNEAKERS = 773_297_411;

const getProduct = (sku: unknown, sent: Sent = {}) =>
  call(products, "POST /get_product", { body: { token, sku }, ...sent });
const setFaults = (faults: object) => call(products, "PUT /faults", { body: faults });

afterEach(async () => {
  await call(products, "DELETE /faults");
});

test("get_product reports the original's names and prices", async () => {
  const answer = await getProduct(SNEAKERS);
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({ name: "Кроссовки Nike JORDAN", price: 2_202 });
});

test.each([
  ...[1076963, 1148162, 2618151, 2956315, 2958025, 3618852, 139275865, 5097510, 1625903],
  ...[3596599, 4288068, 4465995, 30816475, 135717466, 135937324, 139819069, 139818428],
  ...[1002, 1003, 1004, 1005],
])("sku %i is a product with a name and a price", async (sku) => {
  const answer = await getProduct(sku);
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({ name: expect.stringMatching(/./), price: expect.any(Number) });
  expect(answer.body["price"]).toBeGreaterThan(0);
});

test("an unknown SKU is 404 and a wrong token 401, each with code and message", async () => {
  const unknown = await getProduct(4_294_967_295);
  const stranger = await call(products, "POST /get_product", {
    body: { token: "wrong", sku: SNEAKERS },
  });
  expect([unknown.status, stranger.status]).toEqual([404, 401]);
  for (const { body } of [unknown, stranger]) {
    expect(body).toMatchObject({ code: expect.anything(), message: expect.any(String) });
  }
});

test("list_skus goes through all SKUs in ascending pages", async () => {
  const seen: number[] = [];
  // The last of these pages is empty: 22 SKUs in pages of 5.
  for (let page = 1; page <= 6; page++) {
    const answer = await call(products, "POST /list_skus", {
      body: { token, startAfterSku: seen.at(-1) ?? 0, count: 5 },
    });
    expect(answer.status).toBe(200);
    const skus = answer.body["skus"] as number[];
    expect(skus.length).toBeLessThanOrEqual(5);
    expect(skus.length === 0, `page ${page}`).toBe(page === 6);
    seen.push(...skus);
  }
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(new Set(seen).size).toBe(22);
});

test("/stats counts calls until it is started again", async () => {
  await call(products, "DELETE /stats");
  await Promise.all([getProduct(SNEAKERS), getProduct(SNEAKERS), getProduct(1_002)]);
  await call(products, "POST /list_skus", { body: { token, startAfterSku: 0, count: 1 } });
  const { body } = await call(products, "GET /stats");
  expect(body).toMatchObject({ calls: { get_product: 3, list_skus: 1 }, max_in_any_second: 4 });
  await call(products, "DELETE /stats");
  const after = await call(products, "GET /stats");
  expect(after.body).toMatchObject({
    calls: { get_product: 0, list_skus: 0 },
    max_in_any_second: 0,
  });
});

test("/faults makes the next calls fail, and only those", async () => {
  await setFaults({ status: 429, retry_after_s: 2, next: 2 });
  const first = await getProduct(SNEAKERS);
  expect([first.status, first.headers.get("retry-after")]).toEqual([429, "2"]);
  expect((await getProduct(SNEAKERS)).status).toBe(429);
  expect((await getProduct(SNEAKERS)).status).toBe(200);
});

test("/faults without next lasts until it is deleted", async () => {
  await setFaults({ status: 420 });
  for (let times = 0; times < 3; times++) expect((await getProduct(SNEAKERS)).status).toBe(420);
  await call(products, "DELETE /faults");
  expect((await getProduct(SNEAKERS)).status).toBe(200);
});

test("/faults slows calls down", async () => {
  await setFaults({ latency_ms: 300, next: 1 });
  const startedAt = performance.now();
  expect((await getProduct(SNEAKERS)).status).toBe(200);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290);
});

test("/faults makes calls hang", async () => {
  await setFaults({ hang: true, next: 1 });
  const hanging = fetch(`${products}/get_product`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token, sku: SNEAKERS }),
    signal: AbortSignal.timeout(500),
  });
  await expect(hanging).rejects.toThrow(/timeout/);
});

test("its own limit answers 429 above limit_rps", async () => {
  await setFaults({ limit_rps: 5 });
  const answers = await Promise.all(Array.from({ length: 12 }, () => getProduct(SNEAKERS)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(7);
});
