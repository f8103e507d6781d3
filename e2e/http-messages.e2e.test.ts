import { describe, expect, inject, test } from "vitest";
import { H2C_OFFER, requestBytes, sendBytes, WEBSOCKET_OFFER } from "./raw-http.ts";

const { cart, loms = "", notifier, products } = inject("shop").urls;
const stock = JSON.stringify({ sku: 1_005 });
const product = JSON.stringify({ token: "testtoken", sku: 1_005 });

const listeners = [
  { name: "cart", url: cart, line: "POST /user/0/cart/1", body: "{}", status: 400 },
  { name: "loms", url: loms, line: "POST /v1/stock/info", body: stock, status: 200 },
  { name: "the notifier", url: notifier, line: "POST /healthz", body: "{}", status: 405 },
  { name: "the stand-in", url: products, line: "POST /get_product", body: product, status: 200 },
];

describe.each(listeners)("the listener of $name", ({ url, line, body, status }) => {
  test.each(["/healthz", `${url}/healthz`])(
    "refuses a Host header with a path, for the target %s",
    async (target) => {
      const answer = await sendBytes(url, requestBytes(`GET ${target}`, ["Host: x/healthz?"]));
      expect(answer).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json.*"trace_id"/s);
    },
  );

  test.each([[], ["Host: x", "Host: x"]])(
    "refuses HTTP/1.1 with the Host headers %j",
    async (...hosts) => {
      expect(await sendBytes(url, requestBytes("GET /", hosts))).toMatch(/^HTTP\/1\.1 400 /);
    },
  );

  test("ignores an h2c upgrade offer with a body, and a websocket offer", async () => {
    const headers = ["Host: x", "Content-Type: application/json", ...H2C_OFFER];
    expect(await sendBytes(url, requestBytes(line, headers, body)))
      .toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(await sendBytes(url, requestBytes("GET /nowhere", ["Host: x", ...WEBSOCKET_OFFER])))
      .toMatch(/^HTTP\/1\.1 404 /);
  });
});
