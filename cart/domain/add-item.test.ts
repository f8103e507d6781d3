import { expect, test } from "vitest";
import { AppError } from "../../shared/errors.ts";
import { fill, testContext, testDeps } from "../test/deps.ts";
import { addItem } from "./add-item.ts";
import { CART_LINES_MAX } from "./cart.ts";

const USER = 7n;

test("addItem() adds counts of one SKU up", async () => {
  const deps = testDeps();
  await addItem(deps, { userId: USER, sku: 42n, count: 2 }, testContext());
  await addItem(deps, { userId: USER, sku: 42n, count: 3 }, testContext());
  expect(await deps.carts.listCart(USER)).toEqual([{ sku: 42, count: 5 }]);
});

test("addItem() refuses a SKU that the product service does not know", async () => {
  const deps = testDeps();
  deps.products.getProduct.mockResolvedValue(undefined);
  await expect(addItem(deps, { userId: USER, sku: 42n, count: 1 }, testContext())).rejects
    .toMatchObject({ code: "failed_precondition", message: "Sku 42 is not a product" });
  expect(deps.stocks.stocksInfo).not.toHaveBeenCalled();
});

test("addItem() refuses a SKU over uint32 without a call", async () => {
  const deps = testDeps();
  await expect(addItem(deps, { userId: USER, sku: 2n ** 32n, count: 1 }, testContext())).rejects
    .toMatchObject({ code: "failed_precondition", message: "Sku 4294967296 is not a product" });
  expect(deps.products.getProduct).not.toHaveBeenCalled();
});

test("addItem() takes the largest uint32 SKU", async () => {
  const deps = testDeps();
  await addItem(deps, { userId: USER, sku: 2n ** 32n - 1n, count: 1 }, testContext());
  expect(await deps.carts.listCart(USER)).toEqual([{ sku: 4_294_967_295, count: 1 }]);
});

test("addItem() refuses a SKU without a stock row", async () => {
  const deps = testDeps();
  deps.stocks.stocksInfo.mockResolvedValue(undefined);
  await expect(addItem(deps, { userId: USER, sku: 42n, count: 1 }, testContext())).rejects
    .toMatchObject({ code: "failed_precondition" });
});

test("addItem() refuses more than can be bought, including the units in the cart", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 42: 98 });
  await addItem(deps, { userId: USER, sku: 42n, count: 2 }, testContext());
  await expect(addItem(deps, { userId: USER, sku: 42n, count: 1 }, testContext())).rejects
    .toMatchObject({
      code: "failed_precondition",
      message: "Cannot add 1 of sku 42: 100 in the cart, 100 in stock",
    });
  expect(await deps.carts.listCart(USER)).toEqual([{ sku: 42, count: 100 }]);
});

test("addItem() refuses a line over 65535 even if more are in stock", async () => {
  const deps = testDeps();
  deps.stocks.stocksInfo.mockResolvedValue(2n ** 64n - 1n);
  await addItem(deps, { userId: USER, sku: 42n, count: 65_535 }, testContext());
  await expect(addItem(deps, { userId: USER, sku: 42n, count: 1 }, testContext())).rejects
    .toMatchObject({
      code: "failed_precondition",
      message: "Cannot add 1 of sku 42: 65535 in the cart, at most 65535 in one cart",
    });
});

test("addItem() never exceeds the stock with two concurrent additions", async () => {
  const deps = testDeps();
  const results = await Promise.allSettled(
    Array.from(
      { length: 30 },
      () => addItem(deps, { userId: USER, sku: 42n, count: 10 }, testContext()),
    ),
  );
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
  expect(await deps.carts.listCart(USER)).toEqual([{ sku: 42, count: 100 }]);
});

test("addItem() refuses one SKU more than an order can have", async () => {
  const deps = testDeps();
  const full = Object.fromEntries(Array.from({ length: CART_LINES_MAX }, (_, at) => [at + 1, 1]));
  await fill(deps, USER, full);
  await expect(addItem(deps, { userId: USER, sku: 5000n, count: 1 }, testContext())).rejects
    .toMatchObject({
      code: "failed_precondition",
      message: "Cannot add sku 5000: the cart has 1000 different ones already",
    });
  await addItem(deps, { userId: USER, sku: 5n, count: 1 }, testContext());
});

test("addItem() is unavailable and changes nothing if another service cannot answer", async () => {
  for (const code of ["unavailable", "deadline_exceeded"] as const) {
    const deps = testDeps();
    deps.stocks.stocksInfo.mockRejectedValue(new AppError(code, "no answer"));
    await expect(addItem(deps, { userId: USER, sku: 42n, count: 1 }, testContext())).rejects
      .toMatchObject({ code: "unavailable" });
    deps.products.getProduct.mockRejectedValue(new AppError(code, "no answer"));
    await expect(addItem(deps, { userId: USER, sku: 42n, count: 1 }, testContext())).rejects
      .toMatchObject({ code: "unavailable" });
    expect(deps.carts.size()).toEqual({ carts: 0, lines: 0 });
  }
});
