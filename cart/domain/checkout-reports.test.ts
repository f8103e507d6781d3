import { expect, test, vi } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { AppError } from "../../shared/errors.ts";
import { fill, testContext, testDeps } from "../test/deps.ts";
import { checkout } from "./checkout.ts";
import type { Carts } from "./deps.ts";

const USER = 7n;
const user = { userId: USER };

type TestDeps = ReturnType<typeof testDeps>;
type Settle = Carts["settleAttempt"];

/** loms repeats the order of a key. */
function shopDeps(): TestDeps {
  const deps = testDeps();
  const orders = new Map<string, bigint>();
  deps.orders.orderCreate.mockImplementation(async ({ idempotencyKey: key }) => {
    if (!orders.has(key)) orders.set(key, BigInt(orders.size + 1));
    return orders.get(key) as bigint;
  });
  return deps;
}

/** The next calls of settleAttempt(), each with the store's own one. */
function settleBy(
  { carts }: TestDeps,
  ...calls: readonly ((settle: () => Promise<void>) => Promise<void>)[]
): void {
  const settle: Settle = carts.settleAttempt.bind(carts);
  const spy = vi.spyOn(carts as Carts, "settleAttempt");
  for (const call of calls) {
    spy.mockImplementationOnce((...given) => call(() => settle(...given)));
  }
}

const unanswered = () => Promise.reject(new AppError("unavailable", "no answer"));
const asUsual = (settle: () => Promise<void>) => settle();
const lost = () => Promise.resolve();

/** A call that is answered once the test releases it. */
function held() {
  const [called, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  return {
    call: async (settle: () => Promise<void>) => {
      await settle();
      called.resolve();
      await released.promise;
    },
    called: called.promise,
    release: released.resolve,
  };
}

const orderOf = (deps: TestDeps) => checkout(deps, user, testContext());

test.each([
  ["after", (settle: () => Promise<void>) => settle().then(unanswered)],
  ["before", unanswered],
])("checkout() repeats an order if the store fails %s settling it", async (_, fail) => {
  const deps = shopDeps();
  settleBy(deps, fail);
  await fill(deps, USER, { 10: 2 });
  await expect(orderOf(deps)).rejects.toMatchObject({ code: "unavailable" });
  await fill(deps, USER, { 10: 3, 20: 1 });
  expect(await orderOf(deps)).toBe(1n);
  expect(await deps.carts.listCart(USER)).toEqual([{ sku: 10, count: 3 }, { sku: 20, count: 1 }]);
  expect(await orderOf(deps), "of the later additions").toBe(2n);
  await expect(orderOf(deps)).rejects.toMatchObject({ code: "not_found" });
});

test("checkout() repeats an order whose caller disconnects while it is settled", async () => {
  const deps = shopDeps();
  const settling = held();
  settleBy(deps, settling.call);
  await fill(deps, USER, { 10: 2 });
  const caller = new AbortController();
  const first = checkout(deps, user, testContext({ caller }));
  await settling.called;
  caller.abort();
  await expect(first).rejects.toMatchObject({ code: "unavailable" });
  settling.release();
  await expect.poll(() => deps.running.size).toBe(0);
  expect(await orderOf(deps)).toBe(1n);
  await expect(orderOf(deps)).rejects.toMatchObject({ code: "not_found" });
});

test("checkout() returns an order whose attempt cannot be ended, and once more", async () => {
  const deps = shopDeps();
  settleBy(deps, asUsual, unanswered);
  await fill(deps, USER, { 10: 2 });
  expect(await orderOf(deps)).toBe(1n);
  await fill(deps, USER, { 10: 3 });
  expect(await orderOf(deps)).toBe(1n);
  expect(await deps.carts.listCart(USER)).toEqual([{ sku: 10, count: 3 }]);
  expect(await orderOf(deps)).toBe(2n);
});

test("checkout() returns before the attempt has ended, and the next one waits for it", async () => {
  const deps = shopDeps();
  const ended = Promise.withResolvers<void>();
  settleBy(deps, asUsual, (end) => ended.promise.then(end));
  await fill(deps, USER, { 10: 2 });
  expect(await orderOf(deps)).toBe(1n);
  await fill(deps, USER, { 10: 3 });
  const clock = new VirtualClock();
  const next = checkout(deps, user, testContext({ clock }));
  await clock.advance(0);
  ended.resolve();
  expect(await next).toBe(2n);
  expect(deps.ending.size).toBe(0);
});

test("checkout() orders nothing twice if a new primary lacks the settled attempt", async () => {
  const deps = shopDeps();
  settleBy(deps, lost, asUsual);
  await fill(deps, USER, { 10: 2 });
  expect(await orderOf(deps)).toBe(1n);
  await expect(orderOf(deps)).rejects.toMatchObject({ code: "not_found" });
});

test("checkout() in two processes orders later additions once each has returned", async () => {
  const deps = shopDeps();
  const other = { ...deps, running: new Map(), ending: new Map() };
  await fill(deps, USER, { 10: 2 });
  expect(await Promise.all([orderOf(deps), orderOf(other)])).toEqual([1n, 1n]);
  for (const [process, order] of [[other, 2n], [deps, 3n]] as const) {
    await fill(deps, USER, { 10: 1 });
    expect(await orderOf(process)).toBe(order);
  }
  await expect(orderOf(other)).rejects.toMatchObject({ code: "not_found" });
});
