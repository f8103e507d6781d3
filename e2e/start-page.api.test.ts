import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { brokenRules } from "./accessibility.ts";
import { launchBrowser, openPage } from "./browser.ts";
import { call } from "./http.ts";

const { cart, loms = "", lomsAdmin = "", notifier } = inject("shop").urls;
const operations = ["/readyz", "/healthz", "/metrics"];
const documents = ["/swagger-ui", "/openapi.json"];
const services = [
  { name: "cart", base: cart, links: [...documents, ...operations] },
  { name: "loms", base: loms, links: [...documents, ...operations] },
  { name: "stock", base: lomsAdmin, links: documents },
  { name: "notifier", base: notifier, links: operations },
];

const BACKGROUND = { light: "rgb(246, 247, 249)", dark: "rgb(20, 23, 28)" } as const;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
});

test.each(services)(
  "$name's start page links to all pages and documents",
  async ({ base, links }) => {
    const { page, complaints } = await openPage(browser);
    const requested: string[] = [];
    page.on("request", (request) => void requested.push(request.url()));
    await page.goto(`${base}/`);
    const nav = page.getByRole("navigation", { name: "What is here" }).getByRole("link");
    const targets = await nav.evaluateAll((anchors) =>
      anchors.map((anchor) => anchor.getAttribute("href"))
    );
    expect(targets).toEqual(links.map((path) => path.slice(1)));
    for (const path of links) {
      const answer = await call(base, `GET ${path}`);
      expect(answer.status, path).toBe(200);
    }
    expect(requested, "every request is to the service").toEqual([`${base}/`]);
    expect(complaints, "the policy allows the page's own style").toEqual([]);
  },
);

test.each(["light", "dark"] as const)("the start pages are accessible in %s", async (scheme) => {
  for (const { base } of services) {
    const { page } = await openPage(browser);
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto(`${base}/`);
    expect(await brokenRules(page)).toEqual([]);
    const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(background).toBe(BACKGROUND[scheme]);
  }
});
