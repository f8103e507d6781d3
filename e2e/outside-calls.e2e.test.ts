import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, inject, onTestFinished, test } from "vitest";
import { startOtlpReceiver } from "../stack/test/otlp-receiver.ts";
import { startOwnCart } from "./alone.ts";
import { call, send } from "./http.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";
import { eventually } from "./eventually.ts";

const SKU = 2_618_151;
const PAUSE_MS = 60_000;
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

/** The stand-in behind a gate that requires credentials. */
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

/** Variables of an environment that all name a proxy. */
async function proxies() {
  let requested = 0;
  const proxy = await listen((_, response) => {
    requested++;
    response.writeHead(502).end();
  });
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
    .flatMap((name) => [name, name.toLowerCase()]);
  const settings = Object.fromEntries(names.map((name) => [name, `http://${proxy}`]));
  return { settings: { ...settings, NODE_USE_ENV_PROXY: "1" }, requested: () => requested };
}

test.each(["node", "deno"] as const)(
  "on %s, calls go to the configured addresses, with the credentials of their URLs",
  async (runtime) => {
    const receiver = await startOtlpReceiver();
    onTestFinished(() => receiver.close());
    const { settings, requested } = await proxies();
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
    expect(requested()).toBe(0);
    expect(own.process.output()).not.toMatch(/p%40ss|p@ss|c2hvcDpwQHNz/);
  },
);

test.each(["node", "deno"] as const)(
  "on %s, every call observes a pause until a date in C's form, whatever TZ is set to",
  async (runtime) => {
    let calls = 0;
    const products = await listen((request, response) => {
      calls++;
      const until = asctime(new Date(Date.now() + PAUSE_MS));
      request.resume().on("end", () => {
        response.writeHead(429, { "retry-after": until }).end("{}");
      });
    });
    const settings = { PRODUCT_URL: `http://${products}`, TZ: "Asia/Tokyo" };
    const own = await startOwnCart(shop, settings, runtime);
    try {
      const { tryAdd } = shopAt({ urls: { ...shop.urls, cart: own.url } });
      // Until the answer arrives, the rate limit alone decides how many calls are made.
      const first = await tryAdd(newUser(), SKU, 1);
      const adds = Array.from({ length: 48 }, (_, index) => tryAdd(newUser(), SKU + index, 1));
      const answers = [first, ...await Promise.all(adds)];
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 503));
      for (const { headers } of answers) {
        expect(Number(headers.get("retry-after"))).toBeGreaterThan(PAUSE_MS / 2_000);
        expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(PAUSE_MS / 1_000);
      }
      expect(calls).toBe(1);
    } finally {
      await own.close();
    }
  },
);

/** `Sun Nov  6 08:49:37 1994`, in GMT. */
function asctime(date: Date): string {
  const [day = "", dayOfMonth = "", month, year, time] = date.toUTCString().split(" ");
  return `${day.slice(0, 3)} ${month} ${dayOfMonth.replace(/^0/, " ")} ${time} ${year}`;
}
