import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { launchBrowser, openPage } from "./browser.ts";
import { openSwagger, tryOut } from "./swagger-page.ts";
import { newUser } from "./users.ts";

const { cart, loms = "" } = inject("shop").urls;
const SKU = 773_297_411;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
});

test("a buyer adds, checks out, looks and pays on the two pages", async () => {
  const user = String(newUser());
  const { page, complaints } = await openPage(browser);

  await openSwagger(page, cart);
  const line = { user_id: user, sku_id: String(SKU) };
  const added = await tryOut(page, "addItem", { params: line, body: `{"count": 2}` });
  expect(added).toEqual({ status: "200", body: "{}" });
  const checkout = await tryOut(page, "checkout", { params: { user_id: user } });
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
