import { expect, test } from "vitest";
import type { Product } from "../../proto/product-service.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { AppError } from "../../shared/errors.ts";
import { fill, REQUEST_TIMEOUT_MS, testContext, testDeps } from "../test/deps.ts";
import { beginAttempt } from "./checkout.ts";
import { clearCart, deleteItem } from "./remove-items.ts";

const USER = 7n;
const NO_TOTAL = undefined;
const away = new AppError("unavailable", "no answer", { retryAfterMs: 3_000 });

type TestDeps = ReturnType<typeof testDeps>;

/** The lines that the attempt would order. */
async function linesOf(...call: Parameters<typeof beginAttempt>) {
  return (await beginAttempt(...call)).items;
}

/** Holds every answer of the product service until the test releases it. */
function heldProducts(deps: TestDeps) {
  const released = Promise.withResolvers<void>();
  deps.products.getProduct.mockImplementation(async (sku, context) => {
    const { signal } = context;
    const left = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    await Promise.race([released.promise, left]);
    return { name: "x", price: sku };
  });
  return async (change: () => Promise<unknown>) => {
    await expect.poll(() => deps.products.getProduct.mock.calls.length).toBeGreaterThan(0);
    await change();
    released.resolve();
  };
}

function answering(prices: Readonly<Record<number, number | Error | undefined>>) {
  const deps = testDeps();
  deps.products.getProduct.mockImplementation((sku): Promise<Product | undefined> => {
    const price = prices[sku];
    if (price instanceof Error) return Promise.reject(price);
    return Promise.resolve(price === undefined ? undefined : { name: "x", price });
  });
  return deps;
}

test("beginAttempt() without an agreed total omits unknown prices", async () => {
  const deps = answering({ 10: 0, 20: away, 30: undefined, 40: 4_294_967_295 });
  await fill(deps, USER, { 10: 1, 20: 2, 30: 3, 40: 4 });
  expect(await linesOf(deps, USER, NO_TOTAL, testContext())).toStrictEqual([
    { sku: 10, count: 1, price: 0 },
    { sku: 20, count: 2 },
    { sku: 30, count: 3 },
    { sku: 40, count: 4, price: 4_294_967_295 },
  ]);
});

test("beginAttempt() without an agreed total waits 100 ms for prices", async () => {
  const deps = testDeps();
  heldProducts(deps);
  await fill(deps, USER, { 10: 1 });
  const clock = new VirtualClock();
  const context = testContext({ clock });
  const lines = linesOf(deps, USER, NO_TOTAL, context);
  await clock.advance(100);
  expect(await lines).toEqual([{ sku: 10, count: 1 }]);
  context.close();
  expect(clock.pending).toBe(0);
});

test("beginAttempt() prices every line of a cart that costs the agreed total", async () => {
  const deps = answering({ 10: 4_294_967_295, 20: 0 });
  await fill(deps, USER, { 10: 65_535, 20: 1 });
  expect(await linesOf(deps, USER, 65_535n * 4_294_967_295n, testContext())).toEqual([
    { sku: 10, count: 65_535, price: 4_294_967_295 },
    { sku: 20, count: 1, price: 0 },
  ]);
});

test("beginAttempt() of another total throws failed_precondition with its prices", async () => {
  const deps = answering({ 10: 7, 20: 5 });
  await fill(deps, USER, { 10: 2, 20: 1 });
  for (const agreed of [0n, 18n, 20n]) {
    await expect(linesOf(deps, USER, agreed, testContext())).rejects.toMatchObject({
      code: "failed_precondition",
      message: `The cart costs 19 now, not ${agreed}`,
      prices: { totalPrice: 19n, items: [{ sku: 10, price: 7 }, { sku: 20, price: 5 }] },
    });
  }
});

test("beginAttempt() with an agreed total is unavailable when a price is unavailable", async () => {
  const later = answering({ 10: 1, 20: away });
  await fill(later, USER, { 10: 1, 20: 1 });
  await expect(linesOf(later, USER, 1n, testContext())).rejects.toBe(away);

  const gone = answering({ 10: undefined });
  await fill(gone, USER, { 10: 1 });
  await expect(linesOf(gone, USER, 0n, testContext())).rejects
    .toMatchObject({ code: "unavailable", message: "Sku 10 is not a product any more" });
});

test("beginAttempt() with an agreed total reserves a part of the deadline for loms", async () => {
  const deps = testDeps();
  heldProducts(deps);
  await fill(deps, USER, { 10: 1 });
  const clock = new VirtualClock();
  const refused = expect(linesOf(deps, USER, 10n, testContext({ clock }))).rejects
    .toMatchObject({ code: "unavailable", message: "product service did not answer in time" });
  await clock.advance(REQUEST_TIMEOUT_MS - 500);
  await refused;
});

test("beginAttempt() orders the cart as it is once the prices are known", async () => {
  for (const agreed of [NO_TOTAL, 110n]) {
    const deps = testDeps();
    const release = heldProducts(deps);
    await fill(deps, USER, { 10: 2, 20: 1 });
    const lines = linesOf(deps, USER, agreed, testContext());
    await release(async () => {
      await deleteItem(deps, { userId: USER, sku: 20n }, testContext());
      await fill(deps, USER, { 10: 6, 30: 1 });
    });
    expect(await lines).toEqual([
      { sku: 10, count: 8, price: 10 },
      { sku: 30, count: 1, price: 30 },
    ]);
  }
});

test("beginAttempt() throws not_found for a cart that is empty, or becomes so", async () => {
  for (const agreed of [NO_TOTAL, 10n]) {
    const deps = testDeps();
    await expect(linesOf(deps, USER, agreed, testContext())).rejects
      .toMatchObject({ code: "not_found" });
    const release = heldProducts(deps);
    await fill(deps, USER, { 10: 1 });
    const lines = expect(linesOf(deps, USER, agreed, testContext())).rejects
      .toMatchObject({ code: "not_found" });
    await release(() => clearCart(deps, { userId: USER }, testContext()));
    await lines;
  }
});
