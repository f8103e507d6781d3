import { expect, test } from "vitest";
import { AppError } from "../../shared/errors.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { fill, REQUEST_TIMEOUT_MS, testContext, testDeps } from "../test/deps.ts";
import { checkout } from "./checkout.ts";
import type { CheckoutAttempt } from "./deps.ts";
import { clearCart, deleteItem } from "./remove-items.ts";

const USER = 7n;
const user = { userId: USER };

/** Delays the answer of loms until the test releases it. */
function heldOrders(deps: ReturnType<typeof testDeps>) {
  const held: PromiseWithResolvers<bigint>[] = [];
  deps.orders.orderCreate.mockImplementation(() => {
    const answer = Promise.withResolvers<bigint>();
    held.push(answer);
    return answer.promise;
  });
  return async (nth: number) => {
    await expect.poll(() => held.length).toBe(nth);
    return held[nth - 1] as PromiseWithResolvers<bigint>;
  };
}

function lost(): AppError {
  return new AppError("unavailable", "the connection broke");
}

test("checkout() orders the cart and empties it", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 2, 20: 1 });
  expect(await checkout(deps, user, testContext())).toBe(1n);
  expect(deps.orders.orderCreate.mock.calls[0]?.[0]).toEqual({
    userId: USER,
    items: [{ sku: 10, count: 2, price: 10 }, { sku: 20, count: 1, price: 20 }],
    idempotencyKey: "key-1",
  });
  expect(deps.carts.size()).toEqual({ carts: 0, lines: 0 });
  expect((await deps.carts.readToOrder(USER)).attempt).toBeUndefined();
});

test("checkout() throws not_found for an empty cart", async () => {
  await expect(checkout(testDeps(), user, testContext())).rejects
    .toMatchObject({ code: "not_found" });
});

test("checkout() leaves the cart unchanged when loms refuses, and takes a new key", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 2 });
  const shortage = { orderId: 5n, skus: [{ sku: 10, requested: 2, available: 0 }], skusTotal: 1 };
  const refusal = new AppError("failed_precondition", "Order 5 failed", { shortage });
  deps.orders.orderCreate.mockRejectedValueOnce(refusal);
  await expect(checkout(deps, user, testContext())).rejects.toBe(refusal);
  expect(await deps.carts.listCart(USER)).toEqual([{ sku: 10, count: 2 }]);
  await checkout(deps, user, testContext());
  expect(deps.orders.orderCreate.mock.calls.map(([order]) => order.idempotencyKey))
    .toEqual(["key-1", "key-2"]);
});

test("checkout() leaves lines in the cart that were added meanwhile", async () => {
  const deps = testDeps();
  const order = heldOrders(deps);
  await fill(deps, USER, { 10: 2 });
  const answer = checkout(deps, user, testContext());
  const held = await order(1);
  await fill(deps, USER, { 10: 1, 20: 4 });
  held.resolve(1n);
  await answer;
  expect(await deps.carts.listCart(USER)).toEqual([{ sku: 10, count: 1 }, { sku: 20, count: 4 }]);
});

test("checkout() leaves lines in the cart that were deleted and re-added meanwhile", async () => {
  for (const empty of [clearCart, deleteItem]) {
    const deps = testDeps();
    const order = heldOrders(deps);
    await fill(deps, USER, { 10: 2 });
    const answer = checkout(deps, user, testContext());
    const held = await order(1);
    await empty(deps, { userId: USER, sku: 10n }, testContext());
    await fill(deps, USER, { 10: 1 });
    held.resolve(1n);
    await answer;
    expect(await deps.carts.listCart(USER)).toEqual([{ sku: 10, count: 1 }]);
  }
});

test("concurrent checkout() calls create one order and return it", async () => {
  const deps = testDeps();
  const order = heldOrders(deps);
  await fill(deps, USER, { 10: 2 });
  const answers = [1, 2, 3].map(() => checkout(deps, user, testContext()));
  (await order(1)).resolve(9n);
  expect(await Promise.all(answers)).toEqual([9n, 9n, 9n]);
  expect(deps.orders.orderCreate).toHaveBeenCalledTimes(1);
});

test("concurrent checkout() calls share a refusal", async () => {
  const deps = testDeps();
  const order = heldOrders(deps);
  await fill(deps, USER, { 10: 2 });
  const answers = [1, 2].map(() => checkout(deps, user, testContext()));
  (await order(1)).reject(new AppError("failed_precondition", "short"));
  const results = await Promise.allSettled(answers);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(deps.orders.orderCreate).toHaveBeenCalledTimes(1);
});

test("checkout() settles an unknown outcome first, with the same key and snapshot", async () => {
  for (const code of ["unavailable", "deadline_exceeded", "internal"] as const) {
    const deps = testDeps();
    await fill(deps, USER, { 10: 2 });
    deps.orders.orderCreate.mockRejectedValueOnce(new AppError(code, "lost"));
    await expect(checkout(deps, user, testContext())).rejects
      .toMatchObject({ code: code === "internal" ? "internal" : "unavailable" });
    await fill(deps, USER, { 10: 1, 20: 1 });
    expect(await checkout(deps, user, testContext())).toBe(1n);
    const [first, second] = deps.orders.orderCreate.mock.calls.map(([order]) => order);
    expect(second).toEqual(first);
    expect(await deps.carts.listCart(USER))
      .toEqual([{ sku: 10, count: 1 }, { sku: 20, count: 1 }]);
  }
});

test("checkout() keeps an unknown outcome through a call that loms rejects", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 2 });
  deps.orders.orderCreate.mockRejectedValueOnce(lost());
  await expect(checkout(deps, user, testContext())).rejects.toMatchObject({ code: "unavailable" });
  deps.orders.orderCreate.mockRejectedValueOnce(new AppError("resource_exhausted", "full"));
  await expect(checkout(deps, user, testContext())).rejects
    .toMatchObject({ code: "resource_exhausted" });
  expect(await checkout(deps, user, testContext())).toBe(1n);
  const keys = deps.orders.orderCreate.mock.calls.map(([{ idempotencyKey }]) => idempotencyKey);
  expect(keys).toEqual(["key-1", "key-1", "key-1"]);
});

test("checkout() settles an unknown outcome even if the cart is now empty", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 2 });
  deps.orders.orderCreate.mockRejectedValueOnce(lost());
  await expect(checkout(deps, user, testContext())).rejects.toMatchObject({ code: "unavailable" });
  await clearCart(deps, user, testContext());
  expect(await checkout(deps, user, testContext())).toBe(1n);
  await expect(checkout(deps, user, testContext())).rejects.toMatchObject({ code: "not_found" });
});

test("checkout() returns the refusal of a settled attempt and ends it", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 2 });
  deps.orders.orderCreate.mockRejectedValueOnce(lost());
  await expect(checkout(deps, user, testContext())).rejects.toMatchObject({ code: "unavailable" });
  await clearCart(deps, user, testContext());
  deps.orders.orderCreate.mockRejectedValueOnce(new AppError("failed_precondition", "short"));
  await expect(checkout(deps, user, testContext())).rejects
    .toMatchObject({ code: "failed_precondition" });
  expect((await deps.carts.readToOrder(USER)).attempt).toBeUndefined();
});

test("checkout() continues for other callers when its first caller disconnects", async () => {
  const deps = testDeps();
  const order = heldOrders(deps);
  await fill(deps, USER, { 10: 2 });
  const caller = new AbortController();
  const first = checkout(deps, user, testContext({ caller }));
  const second = checkout(deps, user, testContext());
  const held = await order(1);
  caller.abort();
  await expect(first).rejects.toMatchObject({ code: "unavailable" });
  expect(deps.orders.orderCreate.mock.calls[0]?.[1].signal.aborted).toBe(false);
  held.resolve(3n);
  expect(await second).toBe(3n);
  expect((await deps.carts.readToOrder(USER)).attempt).toBeUndefined();
});

test("checkout() returns an order to the next caller if its own has disconnected", async () => {
  const deps = testDeps();
  const order = heldOrders(deps);
  await fill(deps, USER, { 10: 2 });
  const caller = new AbortController();
  const first = checkout(deps, user, testContext({ caller }));
  const held = await order(1);
  caller.abort();
  await expect(first).rejects.toMatchObject({ code: "unavailable" });
  held.resolve(3n);
  await expect.poll(() => deps.carts.size().lines).toBe(0);
  await fill(deps, USER, { 10: 5 });
  const second = checkout(deps, user, testContext());
  (await order(2)).resolve(3n);
  expect(await second).toBe(3n);
  const keys = deps.orders.orderCreate.mock.calls.map(([{ idempotencyKey }]) => idempotencyKey);
  expect(keys).toEqual(["key-1", "key-1"]);
  // Ordered once, so removed once: later additions wait for the next checkout.
  expect(await deps.carts.listCart(USER)).toEqual([{ sku: 10, count: 5 }]);
});

test("checkout() returns an unreported order after loms was overloaded", async () => {
  const deps = testDeps();
  await fill(deps, USER, { 10: 2 });
  const lines = await deps.carts.listCart(USER);
  const begun = await deps.carts.beginAttempt(USER, lines, lines);
  await deps.carts.settleAttempt(USER, begun as CheckoutAttempt, { keep: true });
  deps.orders.orderCreate.mockRejectedValueOnce(new AppError("resource_exhausted", "full"));
  await expect(checkout(deps, user, testContext())).rejects
    .toMatchObject({ code: "resource_exhausted" });
  expect(await checkout(deps, user, testContext())).toBe(1n);
  expect(deps.orders.orderCreate.mock.calls.map(([{ idempotencyKey }]) => idempotencyKey))
    .toEqual(["key-1", "key-1"]);
});

test("checkout() is unavailable if loms does not answer before the deadline", async () => {
  const deps = testDeps();
  heldOrders(deps);
  await fill(deps, USER, { 10: 2 });
  const clock = new VirtualClock();
  const answer = checkout(deps, user, testContext({ clock }));
  const refused = expect(answer).rejects
    .toMatchObject({ code: "unavailable", message: "loms did not answer in time" });
  await clock.advance(REQUEST_TIMEOUT_MS);
  await refused;
  expect((await deps.carts.readToOrder(USER)).attempt).toBeDefined();
});

test("checkout() frees its timers", async () => {
  const deps = testDeps();
  const clock = new VirtualClock();
  await fill(deps, USER, { 10: 2 });
  const context = testContext({ clock });
  await checkout(deps, user, context);
  context.close();
  expect(clock.pending).toBe(0);
});
