import { expect, test } from "vitest";
import { AppError } from "../../shared/errors.ts";
import { fill, testContext, testDeps } from "../test/deps.ts";
import { listCart } from "./list-cart.ts";

const USER = 7n;

test("listCart() returns names and prices of every line, ascending by SKU", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 30: 1, 10: 2, 20: 3 });
  expect(await listCart(deps, { userId: USER }, testContext())).toEqual({
    items: [
      { sku: 10, count: 2, name: "product 10", price: 10 },
      { sku: 20, count: 3, name: "product 20", price: 20 },
      { sku: 30, count: 1, name: "product 30", price: 30 },
    ],
    totalPrice: 110n,
  });
});

test("listCart() requests all products concurrently", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 1, 20: 1, 30: 1 });
  const { promise, resolve } = Promise.withResolvers<undefined>();
  deps.products.getProduct.mockImplementation(async (sku) => {
    await promise;
    return { name: "x", price: sku };
  });
  const listed = listCart(deps, { userId: USER }, testContext());
  await expect.poll(() => deps.products.getProduct.mock.calls.length).toBe(3);
  resolve(undefined);
  expect((await listed).totalPrice).toBe(60n);
});

test("listCart() adds prices exactly, beyond 2^53", async () => {
  const deps = testDeps();
  deps.products.getProduct.mockResolvedValue({ name: "x", price: 4_294_967_295 });
  await fill(
    deps,
    USER,
    Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [at + 1, 65_535])),
  );
  const { totalPrice } = await listCart(deps, { userId: USER }, testContext());
  expect(totalPrice).toBe(281_470_681_677_825_000n);
});

test("listCart() throws not_found for an empty cart", async () => {
  await expect(listCart(testDeps(), { userId: USER }, testContext())).rejects
    .toMatchObject({ code: "not_found" });
});

test("listCart() is unavailable if one product is, and cancels the other calls", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 1, 20: 1 });
  let stopped = false;
  deps.products.getProduct.mockImplementation((sku, context) => {
    if (sku === 20) return Promise.reject(new AppError("deadline_exceeded", "too slow"));
    return new Promise((_, reject) => {
      context.signal.addEventListener("abort", () => {
        stopped = true;
        reject(context.signal.reason);
      });
    });
  });
  await expect(listCart(deps, { userId: USER }, testContext())).rejects
    .toMatchObject({ code: "unavailable", message: "product service did not answer in time" });
  expect(stopped).toBe(true);
});

test("listCart() is unavailable if a line's product no longer exists", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 1 });
  deps.products.getProduct.mockResolvedValue(undefined);
  await expect(listCart(deps, { userId: USER }, testContext())).rejects
    .toMatchObject({ code: "unavailable", message: "Sku 10 is not a product any more" });
});
