import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Observer, startObserver } from "../stack/observe/observer.ts";
import type { Stack } from "../stack/start.ts";
import { brokenRules } from "./accessibility.ts";
import { launchBrowser, openPage, type WatchedPage } from "./browser.ts";
import { eventually } from "./eventually.ts";
import { startOwnStack } from "./own-stack.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const SKU = 1_625_903;

let observer: Observer;
let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  observer = await startObserver({ host: "127.0.0.1", port: 0 });
  stack = await startOwnStack({
    environment: observer.settings,
    onLine: (part, line) => observer.addLine(part, line),
  });
  observer.watch(stack.urls);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await stack.close();
  await observer.close();
});

async function buy(): Promise<number> {
  const { add, checkout } = shopAt(stack);
  const user = newUser();
  await add(user, SKU, 1);
  return await checkout(user);
}

const regionsOf = ({ page }: WatchedPage) => ({
  traces: page.getByRole("list", { name: "The latest traces" }),
  trace: page.getByRole("region", { name: "The chosen trace" }),
  log: page.getByRole("region", { name: "Log lines" }),
});

test("a purchase is one trace of three services, with its log lines", async () => {
  const opened = await openPage(browser);
  const { page, complaints } = opened;
  const { traces, trace, log } = regionsOf(opened);
  const requested = new Set<string>();
  page.on("request", (request) => void requested.add(new URL(request.url()).origin));
  await page.goto(observer.url);
  const order = await buy();

  await traces.getByRole("link", { name: /cart\/checkout.*cart.*loms.*notifier/s }).click();
  const spans = trace.getByRole("list", { name: "Spans" });
  const root = spans.getByRole("button", {
    name: /^cart POST \/user\/\{user_id\}\/cart\/checkout/,
  });
  const insert = spans.getByRole("button", { name: /^loms order_create/ });
  // There are two, one for each event; the second may arrive later.
  const shown = spans.getByRole("button", { name: /^notifier show notification/ });
  await expect.poll(() => shown.count()).toBe(2);
  const left = async (span: typeof root) => (await span.locator(".bar").boundingBox())?.x ?? 0;
  expect(await left(root)).toBeLessThan(await left(insert));
  expect(await left(insert)).toBeLessThan(await left(shown.last()));

  const facts = spans.getByRole("term").filter({ hasText: "db.client.connection.pool.name" });
  await insert.click();
  expect(await insert.getAttribute("aria-expanded")).toBe("true");
  expect(await facts.count()).toBe(1);
  await insert.click();
  expect(await facts.count()).toBe(0);

  const reported = trace.getByRole("row", {
    name: new RegExp(`awaiting payment.*order_id=${order}`),
  });
  await reported.waitFor();
  await trace.getByRole("link", { name: "In the log" }).click();
  const lines = log.getByRole("row");
  const traceId = (await page.evaluate("location.hash") as string).slice("#trace=".length);
  await expect.poll(() => lines.getByRole("link").allTextContents())
    .toEqual(Array.from({ length: 4 }, () => traceId.slice(0, 8)));

  await page.goto(`${observer.url}/#`);
  await log.getByRole("row", { name: new RegExp(`order_id=${order} .*awaiting`) })
    .getByRole("link").click();
  expect(await page.evaluate("location.hash")).toBe(`#trace=${traceId}`);
  await root.waitFor();

  expect([...requested], "every request is to the observer").toEqual([observer.url]);
  expect(complaints).toEqual([]);
});

test("its metrics change during purchases", async () => {
  const { page, complaints } = await openPage(browser);
  await page.goto(observer.url);
  const chart = page.getByRole("figure", { name: /^Orders and notifications/ });
  const line = chart.locator("path").first();
  const before = await line.getAttribute("d");
  await eventually(async () => {
    await buy();
    expect(await chart.getByText("orders created").textContent()).toMatch(/ (?!0\.0)[\d.]+\/s$/);
    expect(await line.getAttribute("d")).not.toBe(before);
  });
  expect(complaints).toEqual([]);
});

test("it shows that a service does not answer", async () => {
  const { page } = await openPage(browser);
  await page.goto(observer.url);
  const services = page.getByRole("list", { name: "Services" });
  await services.getByText("notifier answers").waitFor();
  await services.getByText("replication synchronous").waitFor();
  await stack.kill("notifier");
  await services.getByText("notifier does not answer").waitFor();
  await stack.restart("notifier");
  await services.getByText("notifier answers").waitFor();
});

test.each(["light", "dark"] as const)("it is accessible in %s", async (scheme) => {
  const opened = await openPage(browser);
  const { page } = opened;
  const { traces, trace } = regionsOf(opened);
  await page.emulateMedia({ colorScheme: scheme });
  await page.goto(observer.url);
  await traces.getByRole("link", { name: /checkout/ }).first().click();
  await trace.getByRole("button").first().click();
  expect(await brokenRules(page)).toEqual([]);
});
