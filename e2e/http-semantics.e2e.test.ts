import { Buffer } from "node:buffer";
import { request as httpRequest } from "node:http";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Runtime } from "../stack/processes/runtimes.ts";
import { startOwnCart } from "./alone.ts";
import { eventually } from "./eventually.ts";
import { call } from "./http.ts";
import { expectProblem, TRACE_ID, TRACEPARENT } from "./problems.ts";
import { H2C_OFFER, requestBytes, sendBytes } from "./raw-http.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const runtimes: Runtime[] = ["node", "deno"];
const SKU = 773_297_411;

describe.each(runtimes)("the HTTP server on %s", (runtime) => {
  let cart: Awaited<ReturnType<typeof startOwnCart>>;
  beforeAll(async () => {
    cart = await startOwnCart(shop, {}, runtime);
  });
  afterAll(() => cart.close());

  const line = () => `POST /user/${newUser()}/cart/${SKU}`;

  test("HEAD is GET without the body", async () => {
    const user = newUser();
    await call(cart.url, `POST /user/${user}/cart/${SKU}`, { body: { count: 1 } });
    const list = await call(cart.url, `GET /user/${user}/cart/list`);
    const head = await call(cart.url, `HEAD /user/${user}/cart/list`);
    expect([head.status, head.text]).toEqual([200, ""]);
    expect(head.headers.get("content-length")).toBe(list.headers.get("content-length"));
    expect((await call(cart.url, `HEAD /user/${newUser()}/cart/list`)).status).toBe(404);
    expectProblem(await call(cart.url, "PUT /user/1/cart/list"), 405);
  });

  test("OPTIONS lists the methods of a route", async () => {
    const { status, headers, text } = await call(cart.url, `OPTIONS /user/1/cart/${SKU}`);
    expect([status, headers.get("allow"), text]).toEqual([204, "POST, DELETE", ""]);
    expect((await call(cart.url, "OPTIONS /nowhere")).status).toBe(404);
  });

  test("a body that is too large is refused before it has arrived", async () => {
    const headers = ["Host: x", "Content-Type: application/json", "Content-Length: 100000000"];
    expect(await sendBytes(cart.url, requestBytes(line(), headers))).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("a Host header does not change what a request does", async () => {
    const user = newUser();
    await call(cart.url, `POST /user/${user}/cart/${SKU}`, { body: { count: 1 } });
    for (const path of ["cart?", "cart/list?", "cart/checkout?"]) {
      for (const sent of ["GET /healthz", "POST /healthz", `DELETE /user/${newUser()}/cart`]) {
        const bytes = requestBytes(sent, [`Host: x/user/${user}/${path}`]);
        expect(await sendBytes(cart.url, bytes)).toMatch(/^HTTP\/1\.1 400 /);
      }
    }
    const list = await call(cart.url, `GET /user/${user}/cart/list`);
    expect(list.body).toMatchObject({ items: [{ sku_id: SKU, count: 1 }] });
  });

  test("an h2c upgrade offer with an add is ignored", async () => {
    const headers = ["Host: x", "Content-Type: application/json", ...H2C_OFFER];
    expect(await sendBytes(cart.url, requestBytes(line(), headers, `{"count":3}`)))
      .toMatch(/^HTTP\/1\.1 200 .*\r\n\r\n\{\}$/s);
  });

  test("a body that is not UTF-8 is a 400 with the reason, one without a type a 415", async () => {
    const answer = await call(cart.url, line(), { body: new Uint8Array([0x7b, 0xff, 0x7d]) });
    expectProblem(answer, 400);
    expect(answer.body["detail"]).toContain("must be UTF-8");
    expectProblem(await call(cart.url, line(), { body: `{"count":1}`, type: null }), 415);
  });

  test("a caller that does not accept JSON is refused, and nothing changes", async () => {
    const user = newUser();
    const add = `POST /user/${user}/cart/${SKU}`;
    const headers = { accept: "application/xml" };
    expectProblem(await call(cart.url, add, { body: { count: 1 }, headers }), 406);
    expect((await call(cart.url, `GET /user/${user}/cart/list`)).status).toBe(404);
    expectProblem(await call(cart.url, add, { body: { count: 0 }, headers }), 400, ["count"]);
    expect((await call(cart.url, `DELETE /user/${user}/cart`, { headers })).status).toBe(204);
  });

  test("responses forbid caching, framing and content sniffing", async () => {
    for (const sent of [`GET /user/${newUser()}/cart/list`, "GET /nowhere", "PUT /healthz"]) {
      const { headers } = await call(cart.url, sent);
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    }
  });

  test("the document is revalidated by its ETag", async () => {
    const first = await call(cart.url, "GET /openapi.json");
    const etag = first.headers.get("etag") ?? "";
    const headers = { "if-none-match": etag };
    const again = await call(cart.url, "GET /openapi.json", { headers });
    expect([again.status, again.text, again.headers.get("etag")]).toEqual([304, "", etag]);
  });

  test("a large response is compressed on request, a small one never", async () => {
    const document = await fetched(`${cart.url}/openapi.json`, { "accept-encoding": "gzip" });
    expect(document.headers["content-encoding"]).toBe("gzip");
    expect(document.headers.vary).toBe("accept-encoding");
    expect(JSON.parse(gunzipSync(document.body).toString())).toHaveProperty("openapi");
    const plain = await fetched(`${cart.url}/openapi.json`, {});
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(plain.body.byteLength).toBeGreaterThan(4 * document.body.byteLength);
    const small = await fetched(`${cart.url}/healthz`, { "accept-encoding": "gzip" });
    expect(small.headers["content-encoding"]).toBeUndefined();
  });

  test("the caller's trace id and request id are returned and logged", async () => {
    const id = `mine-${newUser()}`;
    const headers = { traceparent: TRACEPARENT, "x-request-id": id };
    const answer = await call(cart.url, `GET /user/${newUser()}/cart/list`, { headers });
    expectProblem(answer, 404);
    expect(answer.body["trace_id"]).toBe(TRACE_ID);
    expect(answer.headers.get("x-request-id")).toBe(id);
    const made = await call(cart.url, "GET /nowhere", { headers: { "x-request-id": "a b" } });
    expect(made.headers.get("x-request-id")).toMatch(/^[0-9a-f]{16}$/);
    await eventually(() => expect(cart.process.output()).toContain(`"request_id":"${id}"`));
  });
});

test("loms' gateway returns and logs the same", async () => {
  const { loms = "" } = shop.urls;
  const id = `mine-${newUser()}`;
  const stock = (headers: Record<string, string>, body: object = { sku: SKU }) =>
    call(loms, "POST /v1/stock/info", { body, headers });
  const answer = await stock({ "x-request-id": id });
  expect(answer.headers.get("x-request-id")).toBe(id);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expectProblem(await stock({ accept: "text/html" }), 406);
  expectProblem(await stock({ accept: "text/html" }, { sku: 0 }), 400, ["sku"]);
  expect((await call(loms, "OPTIONS /v1/stock/info")).headers.get("allow")).toBe("POST");
});

interface Fetched {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as received, compressed or not. */
  readonly body: Uint8Array;
}

/** Without fetch, which decompresses responses. */
function fetched(url: string, headers: Record<string, string>): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers, agent: false }, (answer) => {
      const chunks: Uint8Array[] = [];
      answer.on("data", (chunk: Uint8Array) => chunks.push(chunk)).on("end", () => {
        resolve({ headers: answer.headers, body: new Uint8Array(Buffer.concat(chunks)) });
      });
    }).on("error", reject).end();
  });
}
