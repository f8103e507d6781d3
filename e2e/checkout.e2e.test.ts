import { expect, inject, test } from "vitest";
import { call } from "./http.ts";
import { expectNotifications } from "./notifications.ts";
import { expectProblem } from "./problems.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { cart, loms = "" } = shop.urls;
const actions = shopAt(shop);
const { add, inCart, checkout, tryCheckout, create, cancel, status, stock } = actions;

const SKU = 1_625_903;
const OTHER_SKU = 1_148_162;
/** One of one product and two of the other. */
const TOTAL = 3_555;
const DRESS = 139_275_865;
const DRESSES = 65_534;

test("a checkout orders the content of the cart and empties the cart", async () => {
  const user = newUser();
  const before = await stock(SKU);
  await add(user, SKU, 2);
  await add(user, OTHER_SKU, 1);
  const order = await checkout(user);
  expect(await inCart(user)).toEqual({});
  const info = await call(loms, "POST /v1/order/info", { body: { orderID: order } });
  expect(info.body).toEqual({
    status: "awaiting payment",
    user,
    items: [
      { sku: OTHER_SKU, count: 1, price: 2_931 },
      { sku: SKU, count: 2, price: 312 },
    ],
    total_price: TOTAL,
  });
  expect(await stock(SKU)).toBe(before - 2);
  await expectNotifications(shop, order, ["new", "awaiting payment"]);
});

test("a checkout with another total is refused with the current one", async () => {
  const user = newUser();
  await add(user, OTHER_SKU, 1);
  await add(user, SKU, 2);
  const agree = (total_price: number) =>
    call(cart, `POST /user/${user}/cart/checkout`, { body: { total_price } });
  const before = await stock(SKU);
  const refused = await agree(TOTAL - 1);
  expectProblem(refused, 412);
  expect(refused.body).toMatchObject({
    total_price: TOTAL,
    items: [{ sku: OTHER_SKU, price: 2_931 }, { sku: SKU, price: 312 }],
  });
  expect(await stock(SKU)).toBe(before);
  expect(await inCart(user)).toEqual({ [OTHER_SKU]: 1, [SKU]: 2 });
  const agreed = await agree(TOTAL);
  expect(agreed.status, agreed.text).toBe(200);
  await cancel(agreed.body["order_id"] as number);
});

test("a checkout short of stock names the SKUs and the order, and keeps the cart", async () => {
  const user = newUser();
  await add(user, DRESS, 10);
  await add(user, SKU, 1);
  const hoarded = await create(newUser(), DRESS, DRESSES - 5);
  const before = await stock(SKU);
  const answer = await tryCheckout(user);
  expectProblem(answer, 412);
  expect(answer.body).toMatchObject({
    skus: [{ sku: DRESS, requested: 10, available: 5 }],
    skus_total: 1,
  });
  const failed = answer.body["order_id"] as number;
  expect(await status(failed)).toBe("failed");
  expect(await inCart(user)).toEqual({ [DRESS]: 10, [SKU]: 1 });
  expect(await stock(SKU)).toBe(before);
  await expectNotifications(shop, failed, ["new", "failed"]);

  await cancel(hoarded);
  const order = await checkout(user);
  expect(order, "a new attempt has a new key").not.toBe(failed);
  expect(await inCart(user)).toEqual({});
});

test("two concurrent checkouts create one order and get one answer", async () => {
  for (let round = 0; round < 10; round++) {
    const user = newUser();
    const before = await stock(SKU);
    await add(user, SKU, 1);
    const answers = await Promise.all([tryCheckout(user), tryCheckout(user)]);
    const placed = answers.filter((answer) => answer.status === 200);
    expect(placed.length, answers.map(({ text }) => text).join()).toBeGreaterThan(0);
    expect(new Set(placed.map(({ text }) => text)).size).toBe(1);
    // A checkout that arrives after the other was answered finds an empty cart.
    for (const late of answers) if (late.status !== 200) expectProblem(late, 404);
    expect(await stock(SKU)).toBe(before - 1);
  }
});

test("adds during a checkout are either ordered or stay in the cart", async () => {
  for (let round = 0; round < 10; round++) {
    const user = newUser();
    await add(user, SKU, 1);
    const [order] = await Promise.all([
      checkout(user),
      ...Array.from({ length: 5 }, () => add(user, SKU, 1)),
      add(user, OTHER_SKU, 3),
    ]);
    const info = await call(loms, "POST /v1/order/info", { body: { orderID: order } });
    const items = info.body["items"] as { sku: number; count: number }[];
    const ordered = (sku: number) => items.find((item) => item.sku === sku)?.count ?? 0;
    const left = await inCart(user);
    expect(ordered(SKU) + (left[SKU] ?? 0)).toBe(6);
    expect(ordered(OTHER_SKU) + (left[OTHER_SKU] ?? 0)).toBe(3);
    await cancel(order);
  }
});
