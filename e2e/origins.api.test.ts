import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { launchBrowser, openPage } from "./browser.ts";
import { tryOut } from "./swagger-page.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { cart, loms = "", products } = shop.urls;
const SKU = 1_005;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
});

const hosts = ["127.0.0.1", "localhost"];
const under = (host: string, url: string) => url.replace("127.0.0.1", host);

/** The result of a request by a script on the page: its text, or "refused" by the browser. */
function fetchOn(page: Page, url: string, options: object): Promise<string> {
  const sent = JSON.stringify(options);
  return page.evaluate(
    `fetch("${url}", ${sent}).then((answer) => answer.text(), () => "refused")`,
  );
}

const stock = { url: `${loms}/v1/stock/info`, body: JSON.stringify({ sku: SKU }) };

describe.each(hosts)("on %s", (host) => {
  test("the page of cart sends requests to loms", async () => {
    const order = await shopAt(shop).create(newUser(), SKU, 1);
    const { page, complaints } = await openPage(browser);
    await page.goto(`${under(host, cart)}/swagger-ui`);
    await page.getByLabel("Select a definition").selectOption("Loms");
    await page.locator(`.opblock[id$="-orderInfo"]`).waitFor();
    const body = `{"orderID": ${order}}`;
    const requested: string[] = [];
    page.on("request", (request) => void requested.push(request.url()));
    expect(JSON.parse((await tryOut(page, "orderInfo", { body })).body)).toMatchObject({
      status: "awaiting payment",
    });
    expect(await tryOut(page, "orderPay", { body })).toEqual({ status: "200", body: "{}" });
    expect(requested).toContain(`${under(host, loms)}/v1/order/pay`);
    expect(complaints).toEqual([]);
  });

  test("the page of loms sends requests to cart", async () => {
    const user = newUser();
    const { page, complaints } = await openPage(browser);
    await page.goto(`${under(host, loms)}/swagger-ui`);
    await page.getByLabel("Select a definition").selectOption("Cart");
    await page.locator(`.opblock[id$="-addItem"]`).waitFor();
    const params = { user_id: String(user), sku_id: String(SKU) };
    const added = await tryOut(page, "addItem", { params, body: `{"count": 1}` });
    expect(added).toEqual({ status: "200", body: "{}" });
    const removed = await tryOut(page, "deleteItem", { params });
    expect(removed.status).toBe("204");
    expect(complaints).toEqual([]);
  });
});

test("a page of another origin cannot read from either service, nor send JSON", async () => {
  const user = newUser();
  const { page } = await openPage(browser);
  await page.goto(`${products}/stats`);
  const line = `${cart}/user/${user}/cart/${SKU}`;
  const json = { method: "POST", headers: { "content-type": "application/json" } };
  expect(await fetchOn(page, line, { ...json, body: `{"count":1}` })).toBe("refused");
  expect(await fetchOn(page, stock.url, { ...json, body: stock.body })).toBe("refused");
  expect(await fetchOn(page, line, { method: "DELETE" })).toBe("refused");
  expect(await fetchOn(page, `${cart}/openapi.json`, {})).toBe("refused");
  expect(await fetchOn(page, `${loms}/metrics`, {})).toBe("refused");
  expect(await shopAt(shop).inCart(user)).toEqual({});
});
