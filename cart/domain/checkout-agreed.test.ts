import { expect, test } from "vitest";
import { AppError } from "../../shared/errors.ts";
import { fill, testContext, testDeps } from "../test/deps.ts";
import { checkout } from "./checkout.ts";

const USER = 7n;
const user = { userId: USER };
const agreeing = (agreedTotal: bigint) => ({ userId: USER, agreedTotal });
const lost = () => new AppError("unavailable", "the connection broke");

type TestDeps = ReturnType<typeof testDeps>;

const ordersOf = (deps: TestDeps) => deps.orders.orderCreate.mock.calls.map(([order]) => order);

/** Every product costs `price` from now on; answers are held until the promise resolves. */
function setPrice(deps: TestDeps, price: number, until: Promise<void> = Promise.resolve()): void {
  deps.products.getProduct.mockImplementation(() => until.then(() => ({ name: "x", price })));
}

test("checkout() orders a cart that costs the agreed total, with its prices", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 2, 20: 1 });
  expect(await checkout(deps, agreeing(40n), testContext())).toBe(1n);
  expect(ordersOf(deps)).toMatchObject([{
    items: [{ sku: 10, count: 2, price: 10 }, { sku: 20, count: 1, price: 20 }],
  }]);
});

test("checkout() begins no attempt if the total has changed", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 2 });
  await expect(checkout(deps, agreeing(19n), testContext())).rejects.toMatchObject({
    code: "failed_precondition",
    prices: { totalPrice: 20n, items: [{ sku: 10, price: 10 }] },
  });
  expect((await deps.carts.readToOrder(USER)).attempt).toBeUndefined();
  expect(ordersOf(deps)).toEqual([]);
  expect(await deps.carts.listCart(USER)).toEqual([{ sku: 10, count: 2 }]);
  expect(await checkout(deps, agreeing(20n), testContext())).toBe(1n);
});

test("checkout() repeats an attempt with the prices of its snapshot", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 2 });
  deps.orders.orderCreate.mockRejectedValueOnce(lost());
  await expect(checkout(deps, agreeing(20n), testContext())).rejects
    .toMatchObject({ code: "unavailable" });
  setPrice(deps, 99);
  expect(await checkout(deps, user, testContext())).toBe(1n);
  const [first, second] = ordersOf(deps);
  expect(first).toMatchObject({ items: [{ sku: 10, count: 2, price: 10 }] });
  expect(second).toEqual(first);
});

test("checkout() settles an attempt whatever total it is given", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 2 });
  deps.orders.orderCreate.mockRejectedValueOnce(lost());
  await expect(checkout(deps, user, testContext())).rejects.toMatchObject({ code: "unavailable" });
  deps.products.getProduct.mockRejectedValue(new AppError("unavailable", "away"));
  expect(await checkout(deps, agreeing(1n), testContext())).toBe(1n);
});

test("checkout() shares an attempt in progress, whatever total it is given", async () => {
  const deps = testDeps();
  const order = Promise.withResolvers<bigint>();
  deps.orders.orderCreate.mockReturnValue(order.promise);
  await fill(deps, USER, { 10: 2 });
  const answers = [user, agreeing(1n), agreeing(20n)]
    .map((input) => checkout(deps, input, testContext()));
  await expect.poll(() => ordersOf(deps).length).toBe(1);
  order.resolve(9n);
  expect(await Promise.all(answers)).toEqual([9n, 9n, 9n]);
  expect(ordersOf(deps)).toHaveLength(1);
});

test("checkout() is not refused because of a total that another caller agreed to", async () => {
  const deps = testDeps();
  const prices = Promise.withResolvers<void>();
  setPrice(deps, 10, prices.promise);
  await fill(deps, USER, { 10: 2 });
  const [wrong, ...right] = [agreeing(1n), agreeing(20n), user, agreeing(1n)]
    .map((input) => checkout(deps, input, testContext()));
  prices.resolve();
  await expect(wrong).rejects.toMatchObject({ prices: { totalPrice: 20n } });
  const outcomes = await Promise.allSettled(right);
  expect(outcomes).toMatchObject([
    { status: "fulfilled", value: 1n },
    { status: "fulfilled", value: 1n },
    { status: "rejected", reason: { prices: { totalPrice: 20n } } },
  ]);
  expect(ordersOf(deps)).toHaveLength(1);
});
