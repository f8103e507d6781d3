import { afterEach, expect, test, vi } from "vitest";
import { expectDescribed } from "./described.ts";
import { call } from "./http.ts";

afterEach(() => vi.unstubAllGlobals());

const JSON_TYPE = { "content-type": "application/json" };
const PROBLEM_TYPE = { "content-type": "application/problem+json" };
const LIST = "GET /user/1/cart/list";
const CART = {
  items: [{ sku_id: 42, name: "a", count: 1, price: 5 }],
  total_price: 5,
};
const PROBLEM = {
  type: "about:blank",
  title: "Service Unavailable",
  status: 503,
  detail: "loms did not answer in time",
  code: "unavailable",
  trace_id: "0af7651916cd43dd8448eb211c80319c",
};

const PROBLEM_405 = { ...PROBLEM, status: 405, code: "invalid_argument" };

/** The result of `call` for a possible response of a service. */
function answered(
  line: string,
  status: number,
  headers: Record<string, string>,
  body: object | string | null,
) {
  const named = { "x-request-id": "1", ...headers };
  const text = typeof body === "object" && body !== null ? JSON.stringify(body) : body;
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(text, { status, headers: named })));
  return call("http://127.0.0.1", line);
}

test.each(
  [
    ["a list", LIST, 200, JSON_TYPE, CART],
    ["the greatest price", LIST, 200, JSON_TYPE, `{"items":[],"total_price":9223372036854775807}`],
    ["a trailing slash", "GET /user/1/cart/list/?a=1", 200, JSON_TYPE, CART],
    ["a deletion", "DELETE /user/1/cart/42", 204, {}, null],
    ["a problem", LIST, 503, { ...PROBLEM_TYPE, "retry-after": "1" }, PROBLEM],
    ["another verb", "PUT /user/1/cart", 405, { ...PROBLEM_TYPE, allow: "DELETE" }, PROBLEM_405],
    ["a probe", "GET /healthz", 200, JSON_TYPE, { status: "ok" }],
  ] as const,
)("%s as in the document is accepted", async (_title, line, status, headers, body) => {
  await expect(answered(line, status, headers, body)).resolves.toMatchObject({ status });
});

test.each(
  [
    ["a status", LIST, 418, JSON_TYPE, {}, "status 418 is not described"],
    ["a content type", LIST, 200, { "content-type": "text/html" }, CART, "content type text/html"],
    ["a missing field", LIST, 200, JSON_TYPE, { items: [] }, "'total_price'"],
    ["an unknown field", LIST, 200, JSON_TYPE, { ...CART, more: 1 }, "additional properties"],
    ["a wrong type", LIST, 200, JSON_TYPE, { ...CART, total_price: "5" }, "/total_price must be"],
    ["a bound", LIST, 200, JSON_TYPE, { ...CART, total_price: -1 }, "/total_price must be >= 0"],
    ["lost digits", LIST, 200, JSON_TYPE, `{"items":[],"total_price":1e21}`, "written as 1e21"],
    ["no JSON", LIST, 200, JSON_TYPE, "{", "JSON"],
    ["a body", "DELETE /user/1/cart", 200, JSON_TYPE, {}, "status 200 is not described"],
    ["a header", LIST, 503, { ...PROBLEM_TYPE, "retry-after": "soon" }, PROBLEM, "Retry-After"],
    ["no id", LIST, 200, { ...JSON_TYPE, "x-request-id": "" }, CART, "header X-Request-Id"],
    ["a problem's code", LIST, 503, PROBLEM_TYPE, { ...PROBLEM, code: "odd" }, "/code must be"],
    ["a plain 404", "GET /nowhere", 404, JSON_TYPE, {}, "no problem"],
    ["a verb", "PUT /user/1/cart", 405, PROBLEM_TYPE, PROBLEM_405, "no Allow"],
  ] as const,
)(
  "the client of the tests refuses %s that its document does not have",
  async (_title, line, status, headers, body, fault) => {
    await expect(answered(line, status, headers, body)).rejects.toThrow(fault);
  },
);

test("a body that the document does not describe is an error", () => {
  const answer = { status: 204, headers: new Headers(), text: "{}", body: {} };
  expect(() => expectDescribed("DELETE", "/user/1/cart", answer)).toThrow("not described");
});
