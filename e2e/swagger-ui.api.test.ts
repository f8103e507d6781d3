import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { launchBrowser, openPage } from "./browser.ts";
import { openSwagger, tryOut } from "./swagger-page.ts";
import { newUser } from "./users.ts";

const { cart, loms = "", lomsAdmin = "" } = inject("shop").urls;
const SKU = 773_297_411;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
});

test("a buyer adds, checks out, reads the order and pays on the two pages", async () => {
  const user = String(newUser());
  const { page, complaints } = await openPage(browser);

  await openSwagger(page, cart);
  const line = { user_id: user, sku_id: String(SKU) };
  const added = await tryOut(page, "addItem", { params: line, body: `{"count": 2}` });
  expect(added).toEqual({ status: "200", body: "{}" });
  const params = { user_id: user };
  const checkout = await tryOut(page, "checkout", { params, body: `{"total_price": 4404}` });
  expect(checkout.status).toBe("200");
  const { order_id } = JSON.parse(checkout.body) as { order_id: number };

  await openSwagger(page, loms);
  const body = `{"orderID": ${order_id}}`;
  const info = await tryOut(page, "orderInfo", { body });
  expect(info.status).toBe("200");
  expect(JSON.parse(info.body)).toMatchObject({ status: "awaiting payment", user: Number(user) });
  expect(await tryOut(page, "orderPay", { body })).toEqual({ status: "200", body: "{}" });
  const payed = await tryOut(page, "orderInfo", { body });
  expect(JSON.parse(payed.body)).toMatchObject({ status: "payed" });
  expect(complaints).toEqual([]);
});

/** An int64 that a double cannot hold, and the largest. */
const bigUsers = ["9007199254740993", "9223372036854775807"];

test.each(bigUsers)("user %s keeps every digit from the form to the response", async (user) => {
  const { page, complaints } = await openPage(browser);

  await openSwagger(page, cart);
  const line = { user_id: user, sku_id: String(SKU) };
  expect((await tryOut(page, "addItem", { params: line, body: `{"count": 1}` })).status).toBe(
    "200",
  );
  // Without a body: the total in the document's example would be refused.
  const checkout = await tryOut(page, "checkout", { params: { user_id: user } });
  expect(checkout.status).toBe("200");

  await openSwagger(page, loms);
  const item = `{"sku": ${SKU}, "count": 1}`;
  const created = await tryOut(page, "orderCreate", {
    body: `{"user": ${user}, "items": [${item}]}`,
  });
  const ids = [/\d+/.exec(checkout.body)?.[0], /\d+/.exec(created.body)?.[0]];
  for (const id of ids) {
    const info = await tryOut(page, "orderInfo", { body: `{"orderID": ${id}}` });
    expect(info.body).toContain(`"user": ${user},`);
    const cancelled = await tryOut(page, "orderCancel", { body: `{"orderID": ${id}}` });
    expect(cancelled.status).toBe("200");
  }
  expect(complaints).toEqual([]);
});

test("an operator counts stock and reads the movements on the page of the stock API", async () => {
  const sku = 3_700_000_000;
  const { page, complaints } = await openPage(browser);
  await openSwagger(page, lomsAdmin);
  const reference = `note of ${newUser()}`;
  const body = `{"lines": [{"sku": ${sku}, "total_count": 9007199254740993}],
    "reason": "count", "reference": "${reference}"}`;
  const counted = await tryOut(page, "stockCount", { body });
  expect(counted.status).toBe("200");
  expect(counted.body).toContain(`"total_count": 9007199254740993,`);
  const moves = await tryOut(page, "stockMovements", { body: `{"sku": ${sku}}` });
  expect(moves.body).toContain(`"reference": "${reference}"`);
  expect(complaints).toEqual([]);
});

test("a refused request shows its problem, an id above 2^53 with every digit", async () => {
  const { page } = await openPage(browser);
  await openSwagger(page, loms);
  const shown = await tryOut(page, "orderInfo", { body: `{"orderID": 9007199254740993}` });
  expect(shown.status).toBe("404");
  expect(shown.body).toContain(`"code": "not_found"`);
  expect(shown.body).toContain("9007199254740993");
});

test("a checkout with another total shows the current total and prices", async () => {
  const user = String(newUser());
  const { page } = await openPage(browser);
  await openSwagger(page, cart);
  const line = { user_id: user, sku_id: String(SKU) };
  await tryOut(page, "addItem", { params: line, body: `{"count": 2}` });
  const params = { user_id: user };
  const refused = await tryOut(page, "checkout", { params, body: `{"total_price": 1}` });
  expect(refused.status).toBe("412");
  expect(JSON.parse(refused.body)).toMatchObject({
    total_price: 4404,
    items: [{ sku: SKU, price: 2202 }],
  });
});
