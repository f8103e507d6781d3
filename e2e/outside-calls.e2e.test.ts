import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, inject, onTestFinished, test } from "vitest";
import { startOtlpReceiver } from "../stack/otlp/receiver.ts";
import { startOwnCart } from "./alone.ts";
import { call, send } from "./http.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";
import { eventually } from "./eventually.ts";

const SKU = 2_618_151;
/** shop:p@ss, in a URL and as it is sent. */
const CREDENTIALS = "shop:p%40ss";
const AUTHORIZATION = "Basic c2hvcDpwQHNz";

const shop = inject("shop");

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The stand-in behind a gate that wants credentials. */
async function guardedProducts(): Promise<string> {
  return await listen(async (request, response) => {
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part as Uint8Array);
    if (request.headers.authorization !== AUTHORIZATION) return void response.writeHead(401).end();
    const body = new Uint8Array(Buffer.concat(parts));
    const answer = await send(shop.urls.products, `POST ${request.url}`, { body });
    response.writeHead(answer.status).end(answer.text);
  });
}

/** What a machine may have in its environment, all of it leading to a proxy. */
async function proxies() {
  let asked = 0;
  const proxy = await listen((_, response) => {
    asked++;
    response.writeHead(502).end();
  });
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
    .flatMap((name) => [name, name.toLowerCase()]);
  const settings = Object.fromEntries(names.map((name) => [name, `http://${proxy}`]));
  return { settings: { ...settings, NODE_USE_ENV_PROXY: "1" }, asked: () => asked };
}

test.each(["node", "deno"] as const)(
  "on %s, calls go where the settings say, with the credentials of their URLs",
  async (runtime) => {
    const receiver = await startOtlpReceiver();
    onTestFinished(() => receiver.close());
    const { settings, asked } = await proxies();
    const own = await startOwnCart(shop, {
      ...settings,
      PRODUCT_URL: `http://${CREDENTIALS}@${await guardedProducts()}`,
      PRODUCT_CACHE_TTL: "0",
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url.replace("//", `//${CREDENTIALS}@`),
    }, runtime);
    try {
      const user = newUser();
      await shopAt({ urls: { ...shop.urls, cart: own.url } }).add(user, SKU, 1);
      const list = await call(own.url, `GET /user/${user}/cart/list`);
      expect(list.status, list.text).toBe(200);
      const names = () => receiver.spans.map(({ name }) => name);
      await eventually(() => expect(names()).toContain("POST /get_product"));
    } finally {
      await own.close();
    }
    expect(asked()).toBe(0);
    expect(own.process.output()).not.toMatch(/p%40ss|p@ss|c2hvcDpwQHNz/);
  },
);
