import { expect, inject, test } from "vitest";
import { expectNotifications } from "./notifications.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { create, tryCreate, tryPay, tryCancel, stock, status } = shopAt(shop);
/** 80 units are available in the seed, and no other test buys any. */
const SCARCE_SKU = 135_717_466;
const SKU = 4_465_995;

test("200 concurrent orders for a SKU with 50 units sell exactly 50", async () => {
  await create(newUser(), SCARCE_SKU, await stock(SCARCE_SKU) - 50);
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => tryCreate(newUser(), [{ sku: SCARCE_SKU, count: 1 }])),
  );
  const statuses = answers.map((answer) => answer.status);
  expect(statuses.filter((each) => each === 200)).toHaveLength(50);
  expect(statuses.filter((each) => each === 412)).toHaveLength(150);
  expect(await stock(SCARCE_SKU)).toBe(0);
  const ids = answers.map(({ body }) => body["orderID"] ?? body["order_id"]);
  expect(new Set(ids).size, "every order has a different id").toBe(200);
});

test("of a concurrent payment and cancellation one succeeds, and the stock is right", async () => {
  for (let round = 0; round < 10; round++) {
    const before = await stock(SKU);
    const order = await create(newUser(), SKU, 2);
    const [payed, cancelled] = await Promise.all([tryPay(order), tryCancel(order)]);
    expect([payed.status, cancelled.status].sort()).toEqual([200, 412]);
    const final = payed.status === 200 ? "payed" : "cancelled";
    expect(await status(order)).toBe(final);
    expect(await stock(SKU)).toBe(final === "payed" ? before - 2 : before);
    await expectNotifications(shop, order, ["new", "awaiting payment", final]);
  }
});
