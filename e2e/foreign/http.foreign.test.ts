import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { CloseStack } from "../../shared/lifecycle.ts";
import type { Runtime } from "../../stack/processes/runtimes.ts";
import type { Stack } from "../../stack/start.ts";
import { startOwnCart } from "../alone.ts";
import { launchBrowser, openPage } from "../browser.ts";
import { startOwnStack } from "../own-stack.ts";
import { showSwagger, tryOut } from "../swagger-page.ts";
import { newUser } from "../users.ts";
import { type Proxy, startPathProxy } from "./haproxy.ts";
import { compileJavaClient, type JavaClient, sendByCurl, type Sent } from "./http-clients.ts";
import type { Programs } from "./programs.ts";

const programs = inject("foreign");
const SKU = 1_005;
const runtimes: Runtime[] = ["node", "deno"];

const opened = new CloseStack();
let stack: Stack;
let java: JavaClient;
beforeAll(async () => {
  if (!programs) return;
  stack = await startOwnStack();
  opened.push("the stack", () => stack.close());
  java = await compileJavaClient(programs);
  opened.push("the Java client", () => java.close());
});
afterAll(() => opened.close());

/** The end of an address. */
const slashes = ["", "/"];

describe.skipIf(!programs)("clients that offer to upgrade", () => {
  /** The requests of a buyer, each with the status of its response. */
  function purchase(cart: string): readonly { sent: Sent; status: number }[] {
    const own = `${cart}/user/${newUser()}/cart`;
    const { loms = "" } = stack.urls;
    return [
      { sent: ["POST", `${own}/${SKU}`, `{"count":2}`], status: 200 },
      { sent: ["POST", `${own}/0`, `{"count":2}`], status: 400 },
      { sent: ["GET", `${own}/list`], status: 200 },
      { sent: ["POST", `${own}/checkout`], status: 200 },
      { sent: ["DELETE", own], status: 204 },
      { sent: ["POST", `${loms}/v1/stock/info`, `{"sku":${SKU}}`], status: 200 },
    ];
  }

  test.each(runtimes)("Java's HttpClient and curl --http2 buy from cart on %s", async (runtime) => {
    const cart = await startOwnCart(stack, {}, runtime);
    const byJava = purchase(cart.url);
    expect(await java.send(byJava.map(({ sent }) => sent)))
      .toEqual(byJava.map(({ status }) => `${status} HTTP_1_1`));
    for (const { sent, status } of purchase(cart.url)) {
      expect(await sendByCurl(programs as Programs, sent), sent.join(" ")).toBe(status);
    }
    await cart.close();
  });

  test("the probe of every listener answers them, and a WebSocket offer", async () => {
    const { cart, loms = "", notifier, products } = stack.urls;
    const listeners = [cart, loms, notifier, products];
    const probes = listeners.map((url): Sent => ["GET", `${url}/healthz`]);
    const sockets = probes.map(([, url]): Sent => ["WEBSOCKET", url.replace("http:", "ws:")]);
    const sent = [...probes, ...sockets];
    expect(await java.send(sent)).toEqual(sent.map(() => "200 HTTP_1_1"));
    for (const probe of probes) {
      expect(await sendByCurl(programs as Programs, probe), probe[1]).toBe(200);
    }
  });
});

describe.skipIf(!programs)("behind HAProxy, which removes the prefix /shop/NAME", () => {
  let browser: Browser;
  let proxy: Proxy;
  beforeAll(async () => {
    const { cart, loms = "", notifier } = stack.urls;
    proxy = await startPathProxy(programs as Programs, { cart, loms, notifier });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await proxy?.close();
  });

  test.each(slashes)(
    "the page at /shop/cart/swagger-ui%s sends requests to cart",
    async (slash) => {
      const { page, complaints } = await openPage(browser);
      await showSwagger(page, `${proxy.url}/shop/cart/swagger-ui${slash}`);
      const params = { user_id: String(newUser()), sku_id: String(SKU) };
      const added = await tryOut(page, "addItem", { params, body: `{"count": 1}` });
      expect(added).toEqual({ status: "200", body: "{}" });
      await showSwagger(page, `${proxy.url}/shop/loms/swagger-ui${slash}`);
      const stock = await tryOut(page, "stocksInfo", { body: `{"sku": ${SKU}}` });
      expect(stock.status).toBe("200");
      expect(complaints).toEqual([]);
    },
  );

  test.each(slashes)("the links of the start page at /shop/cart%s point to cart", async (slash) => {
    for (const name of ["cart", "notifier"]) {
      const { page, complaints } = await openPage(browser);
      await page.goto(`${proxy.url}/shop/${name}${slash}`);
      await page.waitForURL(`${proxy.url}/shop/${name}/`);
      const links = await page.getByRole("navigation").getByRole("link")
        .evaluateAll((anchors) => anchors.map((anchor) => (anchor as unknown as URL).href));
      expect(links).toContain(`${proxy.url}/shop/${name}/healthz`);
      for (const link of links) expect((await fetch(link)).status, link).toBe(200);
      // Without the slash the page's script navigates, maybe before the page has loaded.
      const left = `GET ${proxy.url}/shop/${name}: net::ERR_ABORTED`;
      expect(complaints.filter((complaint) => complaint !== left)).toEqual([]);
    }
  });

  test("the document's first server is where the proxy serves it", async () => {
    for (const name of ["cart", "loms"]) {
      const url = `${proxy.url}/shop/${name}/openapi.json`;
      const { servers } = await (await fetch(url)).json() as { servers: { url: string }[] };
      expect(new URL(servers[0]?.url ?? "", url).href).toBe(`${proxy.url}/shop/${name}/`);
    }
  });
});
