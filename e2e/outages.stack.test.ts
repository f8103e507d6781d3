import { afterAll, beforeAll, expect, test } from "vitest";
import type { Stack } from "../stack/start.ts";
import { eventually } from "./eventually.ts";
import { call } from "./http.ts";
import { expectNotifications } from "./notifications.ts";
import { startOwnStack } from "./own-stack.ts";
import { expectProblem } from "./problems.ts";
import { type Shop, shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const SKU = 1_625_903;
const OTHER_SKU = 1_148_162;

let stack: Stack;
let shop: Shop;
beforeAll(async () => {
  stack = await startOwnStack();
  shop = shopAt(stack);
});
afterAll(() => stack.close());

/** Waits for loms, and for cart's connection to it. */
async function bringBackLoms(): Promise<void> {
  await stack.restart("loms");
  await eventually(() => shop.add(newUser(), SKU, 1));
}

test("while loms is down carts are unavailable and unchanged", async () => {
  const user = newUser();
  await shop.add(user, SKU, 1);
  await stack.kill("loms");
  try {
    expectProblem(await shop.tryAdd(user, SKU, 1), 503);
    expectProblem(await shop.tryCheckout(user), 503);
    expect(await shop.inCart(user)).toEqual({ [SKU]: 1 });
    expect((await call(stack.urls.cart, `DELETE /user/${user}/cart/${OTHER_SKU}`)).status)
      .toBe(204);
  } finally {
    await bringBackLoms();
  }
});

test("a checkout whose answer is lost is settled once by the next one", async () => {
  const user = newUser();
  await shop.add(user, SKU, 2);
  const before = await shop.stock(SKU);
  stack.pause("loms");
  const lost = shop.tryCheckout(user);
  const answer = await lost;
  expect([503, 504], answer.text).toContain(answer.status);
  await stack.kill("loms");
  await bringBackLoms();

  await shop.add(user, OTHER_SKU, 1);
  const order = await shop.checkout(user);
  expect(await shop.checkout(user), "what was added since is an order of its own")
    .not.toBe(order);
  expect(await shop.stock(SKU)).toBe(before - 2);
  const info = await call(stack.urls.loms ?? "", "POST /v1/order/info", {
    body: { orderID: order },
  });
  expect(info.body["items"]).toMatchObject([{ sku: SKU, count: 2 }]);
  expect(await shop.inCart(user)).toEqual({});
});

test("the next checkout returns an order whose answer was lost", async () => {
  const user = newUser();
  await shop.add(user, SKU, 3);
  const before = await shop.stock(SKU);
  // The standby applies nothing, so the commit exists and is not acknowledged.
  stack.pause("standby1");
  const first = await shop.tryCheckout(user);
  expect([503, 504], first.text).toContain(first.status);
  await stack.kill("loms");
  stack.resume("standby1");
  await bringBackLoms();

  await call(stack.urls.cart, `DELETE /user/${user}/cart`);
  const order = await shop.checkout(user);
  expect(await shop.stock(SKU)).toBe(before - 3);
  await expectNotifications(stack, order, ["new", "awaiting payment"]);
  expectProblem(await shop.tryCheckout(user), 404);
});

test("a write whose answer is lost is settled by a retry with its key", async () => {
  const user = newUser();
  const items = [{ sku: SKU, count: 4 }];
  const before = await shop.stock(SKU);
  const key = { "idempotency-key": "lost and found" };
  stack.pause("standby1");
  const lost = await shop.tryCreate(user, items, key);
  stack.resume("standby1");
  expect([503, 504], lost.text).toContain(lost.status);
  const settled = await eventually(async () => {
    const answer = await shop.tryCreate(user, items, key);
    expect(answer.status, answer.text).toBe(200);
    return answer;
  });
  expect((await shop.tryCreate(user, items, key)).text).toBe(settled.text);
  expect(await shop.stock(SKU)).toBe(before - 4);
});

test("loms killed under many checkouts sells each cart exactly once", async () => {
  const users = Array.from({ length: 40 }, () => newUser());
  for (const user of users) await shop.add(user, SKU, 1);
  const before = await shop.stock(SKU);
  const first = users.map((user) => shop.tryCheckout(user));
  await Promise.race(first);
  await stack.kill("loms");
  const answers = await Promise.all(first);
  for (const { status, text } of answers) expect([200, 503, 504], text).toContain(status);
  await bringBackLoms();

  const orders = await Promise.all(users.map(async (user, index) => {
    const answer = answers[index];
    return answer?.status === 200 ? answer.body["order_id"] as number : await shop.checkout(user);
  }));
  expect(new Set(orders).size).toBe(users.length);
  expect(await shop.stock(SKU)).toBe(before - users.length);
  for (const order of orders) {
    await expectNotifications(stack, order, ["new", "awaiting payment"]);
  }
});

test("events written while the notifier is down are shown when it is back", async () => {
  await stack.kill("notifier");
  const orders = await Promise.all(
    Array.from({ length: 5 }, () => shop.create(newUser(), SKU, 1)),
  );
  for (const order of orders) await shop.pay(order);
  await stack.restart("notifier");
  for (const order of orders) {
    await expectNotifications(stack, order, ["new", "awaiting payment", "payed"]);
  }
});

test("while the product service is down a list is unavailable, and orders continue", async () => {
  const user = newUser();
  await shop.add(user, 2_956_315, 1);
  await stack.kill("products");
  try {
    expectProblem(await shop.tryAdd(user, 3_618_852, 1), 503);
    const order = await shop.checkout(user);
    expect(await shop.status(order)).toBe("awaiting payment");
  } finally {
    await stack.restart("products");
  }
  await shop.add(user, 3_618_852, 1);
});
