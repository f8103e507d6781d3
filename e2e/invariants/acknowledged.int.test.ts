import { afterAll, beforeAll, expect, test } from "vitest";
import { checkAcknowledgedChanges } from "./acknowledged-changes.ts";
import { type AcknowledgedOrder, checkAcknowledged, checkAnswered } from "./acknowledged.ts";
import { openShopFixture, REFERENCE, type ShopFixture, SKU } from "./shop-fixture.ts";
import type { Snapshot } from "./snapshot.ts";

let shop: ShopFixture;
beforeAll(async () => {
  shop = await openShopFixture();
});
afterAll(() => shop.close());

const planted = async (...plant: Parameters<ShopFixture["planted"]>) =>
  (await shop.planted(...plant)).violations;

test.each([
  [
    "an order that is gone",
    `delete from orders where order_id = 2`,
    "order 2 (payed) was reported and is not there",
  ],
  [
    "a pay that is undone",
    `update orders set status = 'awaiting payment' where order_id = 2`,
    "order 2 was acknowledged as payed and is awaiting payment",
  ],
  [
    "other items",
    `update order_items set count = 5, price = 40 where order_id = 2`,
    `order 2 was reported with 2 of ${SKU} and has 5 of ${SKU}`,
  ],
  [
    "another price",
    `update order_items set price = 2 where order_id = 2`,
    "order 2 was agreed to cost 200 and costs 4",
  ],
  [
    "a price that is gone",
    `update order_items set price = null where order_id = 2`,
    "order 2 was agreed to cost 200 and has no total",
  ],
  [
    "another's order",
    `update orders set user_id = 8 where order_id = 2`,
    "order 2 was acknowledged to user 7 and is user 8's",
  ],
  [
    "a key that names another order",
    `update idempotency_keys set order_id = 1 where order_id = 2`,
    `key key "1" of user 7 got order 2 and names order 1`,
  ],
  [
    "a key that is forgotten",
    `delete from idempotency_keys where order_id = 2`,
    `key key "1" of user 7 got order 2 and is not known`,
  ],
])("checkAcknowledged() reports %s", async (_what, statement, sentence) => {
  const check = (snapshot: Snapshot) => checkAcknowledged("here", snapshot, shop.acknowledged);
  expect(await planted(check, statement)).toEqual([sentence]);
});

test("checkAcknowledged() accepts an order that changed after it was acknowledged", async () => {
  const reported = shop.acknowledged.map((order): AcknowledgedOrder =>
    order.status === "failed" ? order : { ...order, status: "awaiting payment" }
  );
  expect(await planted((snapshot) => checkAcknowledged("here", snapshot, reported))).toEqual([]);
});

test("checkAnswered() reports a key with two orders and an order with two users", () => {
  const [first, second] = shop.acknowledged as [AcknowledgedOrder, AcknowledgedOrder];
  expect(checkAnswered([first, first, second]).violations).toEqual([]);
  expect(checkAnswered([first, { ...second, key: first.key ?? "" }]).violations).toEqual([
    `key key "0" of user 7 got order 1 and order 2`,
  ]);
  expect(checkAnswered([first, { ...first, userId: 8n, key: "other" }]).violations).toEqual([
    "order 1 was acknowledged to user 7 and to user 8",
  ]);
});

test("checkAcknowledgedChanges() reports a lost change and other totals", async () => {
  const totals = `1002: 201, ${SKU}: 10005`;
  const check = (snapshot: Snapshot) =>
    checkAcknowledgedChanges("here", snapshot, [{ reference: REFERENCE, totals }]);
  expect(await planted(check)).toEqual([]);
  expect(await planted(check, "delete from stock_changes")).toEqual([
    `"${REFERENCE}" was answered ${totals} and is not there`,
  ]);
  expect(await planted(check, "update stock_changes set total_counts = array[9, 9]")).toEqual([
    `"${REFERENCE}" was answered ${totals} and is 1002: 9, ${SKU}: 9`,
  ]);
});
