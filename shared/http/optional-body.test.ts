import { createRoute } from "@hono/zod-openapi";
import { beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { int64Amount } from "../../proto/loms/v1/schemas.ts";
import { createHttpApp, endpoint, type HttpApp, mount } from "./app.ts";

const total = z.strictObject({ total_price: int64Amount });
const order = createRoute({
  method: "post",
  path: "/order",
  request: { body: { required: false, content: { "application/json": { schema: total } } } },
  responses: { 200: { description: "ok" } },
});

const handled = vi.fn<(body: z.output<typeof total> | undefined) => void>();
let app: HttpApp;

beforeEach(() => {
  handled.mockReset();
  app = createHttpApp();
  mount(app, [endpoint(order, ({ body }) => {
    handled(body);
    return Promise.resolve({ status: 200, body: {} });
  })]);
});

async function post(
  type: string,
  body?: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
) {
  const all = { ...type !== "" && { "content-type": type }, ...headers };
  return await app.request("/order", { method: "POST", headers: all, ...body && { body } });
}

test.each([
  ["application/json", "9223372036854775807", 9_223_372_036_854_775_807n],
  ["Application/JSON; charset=utf-8", "0", 0n],
])("a body of type %s is read, its %s with every digit", async (type, text, total_price) => {
  expect((await post(type, `{"total_price":${text}}`)).status).toBe(200);
  expect(handled.mock.calls).toEqual([[{ total_price }]]);
});

test.each([
  ["application/json", undefined],
  ["text/plain", `{"total_price":1}`],
  ["application/problem+json", `{"total_price":1}`],
  ["application/x-www-form-urlencoded", "total_price=1"],
  ["", new Uint8Array(9)],
  ["", undefined],
])("with type '%s' the body %s counts as missing", async (type, body) => {
  expect((await post(type, body)).status).toBe(200);
  expect(handled.mock.calls).toEqual([[undefined]]);
});

test("a JSON body of an unknown length may be empty, too", async () => {
  const body = new ReadableStream({ start: (controller) => controller.close() });
  const headers = { "content-type": "application/json", "transfer-encoding": "chunked" };
  const init = { method: "POST", headers, body, duplex: "half" as const };
  expect((await app.request("/order", init)).status).toBe(200);
  expect(handled.mock.calls).toEqual([[undefined]]);
});

// proto/loms/v1/schemas.test.ts and shared/json.test.ts have the other values.
test.each([
  [`{"total_price":-1}`, "total_price"],
  [`{}`, "total_price"],
  [" ", ""],
])("the JSON body %s is a bad request, which names '%s'", async (text, path) => {
  const answer = await post("application/json", text);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ errors: [{ path }] });
  expect(handled).not.toHaveBeenCalled();
});

test.each([
  ["application/json; charset=latin1", {}, 415],
  ["application/json", { "content-encoding": "gzip" }, 415],
  ["application/json", { "content-length": "65537" }, 413],
  ["text/plain", { "content-length": "65537" }, 413],
])("a body of type %s with %o is answered %i", async (type, headers, status) => {
  expect((await post(type, `{"total_price":1}`, headers)).status).toBe(status);
});
