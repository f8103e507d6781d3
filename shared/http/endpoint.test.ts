import { createRoute } from "@hono/zod-openapi";
import { beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { int64Id, itemCount } from "../../proto/loms/v1/schemas.ts";
import type { RequestContext } from "../async/request-context.ts";
import { VirtualClock } from "../async/test/virtual-clock.ts";
import { AppError } from "../errors.ts";
import { createLogger } from "../telemetry/log.ts";
import { createHttpApp, endpoint, type HttpApp, mount } from "./app.ts";
import { openApiDocument } from "./openapi.ts";

const responses = { 200: { description: "ok" } };
const params = z.object({ user_id: int64Id, sku_id: int64Id });
const body = z.strictObject({ count: itemCount });

const add = createRoute({
  method: "post",
  path: "/user/{user_id}/cart/{sku_id}",
  request: { params, body: { content: { "application/json": { schema: body } } } },
  responses,
});
const list = createRoute({ method: "get", path: "/user/{user_id}/cart/list", responses });
const remove = createRoute({
  method: "delete",
  path: "/user/{user_id}/cart/{sku_id}",
  request: { params },
  responses,
});

const handled = vi.fn<(input: unknown, context: RequestContext) => Promise<object>>();
let clock: VirtualClock;
let lines: Record<string, unknown>[];
let app: HttpApp;

beforeEach(() => {
  handled.mockReset().mockResolvedValue({});
  clock = new VirtualClock();
  lines = [];
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLogger({ service: "cart", level: "info", format: "json", write });
  app = createHttpApp({ log, clock });
  const answer = async (input: unknown, context: RequestContext) =>
    ({ status: 200, body: await handled(input, context) }) as const;
  // The SKU route is first because the order must not matter.
  mount(app, [
    endpoint(add, answer),
    endpoint(remove, async (input, context) => {
      await handled(input, context);
      return { status: 204 };
    }),
    endpoint(list, answer),
  ]);
});

const JSON_TYPE = { "content-type": "application/json" };

function post(path: string, text: string, init: RequestInit = {}) {
  return app.request(path, { method: "POST", headers: JSON_TYPE, body: text, ...init });
}

test("an endpoint passes its handler the parsed path and body", async () => {
  const answer = await post("/user/9223372036854775807/cart/2?x=1#y", `{"count":3}`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(handled.mock.calls[0]?.[0]).toEqual({
    params: { user_id: 9_223_372_036_854_775_807n, sku_id: 2n },
    body: { count: 3 },
  });
});

test("an endpoint writes integers with every digit", async () => {
  handled.mockResolvedValue({ id: 9_223_372_036_854_775_807n, small: 1n });
  const answer = await post("/user/1/cart/2", `{"count":3}`);
  expect(await answer.text()).toBe(`{"id":9223372036854775807,"small":1}`);
});

test("an endpoint reports every broken rule of path and body at once", async () => {
  const answer = await post("/user/0/cart/9223372036854775808", `{"count":1.0,"extra":1}`);
  expect(answer.status).toBe(400);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  const { errors, code } = await answer.json() as { errors: { path: string }[]; code: string };
  expect(code).toBe("invalid_argument");
  expect(errors.map(({ path }) => path).sort())
    .toEqual(["count", "extra", "sku_id", "user_id"]);
});

test("an endpoint reports a fraction as it was written", async () => {
  const answer = await post("/user/1/cart/2", `{"count":1.0}`);
  const { errors } = await answer.json() as { errors: unknown };
  expect(errors).toEqual([
    { path: "count", message: "must be an integer from 1 to 65535, got 1.0" },
  ]);
});

test("an endpoint reports a wrong path together with an unreadable body", async () => {
  const answer = await post("/user/x/cart/2", `{"count":1,"count":1}`);
  const { errors } = await answer.json() as { errors: { path: string }[] };
  expect(errors.map(({ path }) => path)).toEqual(["user_id", ""]);
});

test.each([
  ["GET", "/nowhere", {}, 404],
  ["POST", "/user/x/cart/list", { "content-type": "text/plain" }, 405],
  ["GET", "/user/1/cart/2", {}, 405],
  ["POST", "/user/x/cart/2", { "content-type": "text/plain", "content-length": "99999" }, 415],
  ["POST", "/user/x/cart/2", { "content-length": "99999" }, 415],
  ["POST", "/user/x/cart/2", { ...JSON_TYPE, "content-length": "65537" }, 413],
  ["DELETE", "/user/x/cart/2", { "content-type": "text/plain", "content-length": "65537" }, 413],
  ["GET", "/user/1/cart/list", { "content-length": "65537" }, 413],
  ["POST", "/user/x/cart/2", JSON_TYPE, 400],
])(
  "%s %s with %o is rejected in the contract's order: %i",
  async (method, path, headers, status) => {
    const body = method === "POST" ? { body: "[]" } : {};
    const answer = await app.request(path, { method, headers, ...body });
    expect(answer.status).toBe(status);
    const code = status === 404 ? "not_found" : "invalid_argument";
    expect(await answer.json()).toMatchObject({ status, code });
    expect(handled).not.toHaveBeenCalled();
  },
);

test.each([
  ["application/json", 200],
  ["application/json;charset=UTF-8", 200],
  [`Application/JSON ; charset="utf-8"`, 200],
  ["application/json; charset=utf8", 200],
  ["application/json; profile=order; charset=us-ascii", 200],
  ["application/json; charset=latin1", 415],
  ["application/json; profile=order; charset=utf-16", 415],
  ["application/jsonp", 415],
  ["application/problem+json", 415],
  ["", 415],
])("content type %s is answered %i", async (type, status) => {
  const answer = await post("/user/1/cart/2", `{"count":1}`, { headers: { "content-type": type } });
  expect(answer.status).toBe(status);
});

test("an endpoint refuses a body without a content type", async () => {
  const body = new TextEncoder().encode(`{"count":1}`);
  expect((await app.request("/user/1/cart/2", { method: "POST", body })).status).toBe(415);
});

test("an endpoint refuses a compressed body", async () => {
  const headers = { ...JSON_TYPE, "content-encoding": "gzip" };
  expect((await post("/user/1/cart/2", `{"count":1}`, { headers })).status).toBe(415);
});

test("a 405 lists the methods of the path", async () => {
  const allowed = async (method: string, path: string) =>
    (await app.request(path, { method })).headers.get("allow");
  expect(await allowed("POST", "/user/1/cart/list")).toBe("GET, HEAD");
  expect(await allowed("PUT", "/user/1/cart/2")).toBe("POST, DELETE");
});

// proto/loms/v1/schemas.test.ts has the other values; a path is not percent-decoded.
test.each(["0", "%31", "1%20"])(
  "%s is not an id in a path",
  async (id) => {
    const answer = await post(`/user/${id}/cart/2`, `{"count":1}`);
    expect(answer.status).toBe(400);
    const { errors } = await answer.json() as { errors: { path: string }[] };
    expect(errors[0]?.path).toBe("user_id");
  },
);

test("a fixed segment of a path cannot be percent-encoded", async () => {
  expect((await app.request("/user/1/cart/%6cist")).status).toBe(405);
  expect((await app.request("/user/1/%63art/list")).status).toBe(404);
});

test("a trailing slash is ignored, two are another path", async () => {
  expect((await app.request("/user/1/cart/list/")).status).toBe(200);
  expect((await post("/user/1/cart/2/", `{"count":1}`)).status).toBe(200);
  expect((await app.request("/user/1/cart/list//")).status).toBe(404);
});

test("HEAD is GET without the body", async () => {
  const answer = await app.request("/user/1/cart/list", { method: "HEAD" });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe("");
  expect(lines[0]?.["http_request_method"]).toBe("HEAD");
});

test("a body without a declared length is read up to the limit", async () => {
  const stream = (bytes: number) =>
    new ReadableStream({
      start(controller) {
        for (let sent = 0; sent < bytes; sent += 1024) controller.enqueue(new Uint8Array(1024));
        controller.close();
      },
    });
  const init = (bytes: number) => ({
    method: "DELETE",
    body: stream(bytes),
    duplex: "half" as const,
  });
  expect((await app.request("/user/1/cart/2", init(64 * 1024))).status).toBe(204);
  expect((await app.request("/user/1/cart/2", init(65 * 1024))).status).toBe(413);
});

test("a body that ends early is a bad request", async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) });
  const init = { method: "POST", headers: JSON_TYPE, body, duplex: "half" as const };
  expect((await app.request("/user/1/cart/2", init)).status).toBe(400);
});

test("a body that does not arrive is awaited until the deadline", async () => {
  const body = new ReadableStream({});
  const init = { method: "POST", headers: JSON_TYPE, body, duplex: "half" as const };
  const answer = app.request("/user/1/cart/2", init);
  await clock.advance(5_000);
  expect((await answer).status).toBe(504);
});

test("an error of the handler becomes a problem with the caller's trace", async () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  handled.mockImplementation(() => {
    throw new AppError("unavailable", "loms cannot answer", { retryAfterMs: 1500 });
  });
  const answer = await app.request("/user/1/cart/list", { headers: { traceparent } });
  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toBe("2");
  expect(await answer.json()).toMatchObject({
    detail: "loms cannot answer",
    trace_id: "0af7651916cd43dd8448eb211c80319c",
  });
  expect(lines[0]?.["span_id"]).not.toBe("b7ad6b7169203331");
});

test("the message of an unexpected error is not in the answer", async () => {
  handled.mockImplementation(() => {
    throw new TypeError("secret");
  });
  const answer = await app.request("/user/1/cart/list");
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain("secret");
});

test("every request is logged once, with the pattern of its path", async () => {
  handled.mockResolvedValue({ name: "ж" });
  await post("/user/1/cart/2", `{"count":1}`);
  await app.request("/user/1/cart/2", { method: "DELETE" });
  await app.request("/user/1/cart/2", { method: "PUT" });
  await app.request("/secret/7");
  expect(lines.map((line) => [
    line["http_request_method"],
    line["http_route"],
    line["http_response_status_code"],
    line["http_response_body_size"],
  ])).toEqual([
    ["POST", "/user/{user_id}/cart/{sku_id}", 200, 13],
    ["DELETE", "/user/{user_id}/cart/{sku_id}", 204, 0],
    ["PUT", "/user/{user_id}/cart/{sku_id}", 405, expect.any(Number)],
    ["GET", undefined, 404, expect.any(Number)],
  ]);
});

test("a request leaves no timer behind", async () => {
  handled.mockImplementation((_input, context) => {
    void context.signal;
    return Promise.resolve({});
  });
  await post("/user/1/cart/2", `{"count":1}`);
  expect(clock.pending).toBe(0);
});

test("the document has every endpoint with its parameters", () => {
  const text = openApiDocument(app, {
    title: "t",
    version: "1",
    summary: "s",
    description: "d",
    defaultUrl: "http://127.0.0.1:1",
    tags: [],
  });
  const document = JSON.parse(text) as { openapi: string; paths: Record<string, object> };
  expect(document.openapi).toBe("3.1.0");
  expect(Object.keys(document.paths)).toEqual([
    "/user/{user_id}/cart/{sku_id}",
    "/user/{user_id}/cart/list",
  ]);
});
