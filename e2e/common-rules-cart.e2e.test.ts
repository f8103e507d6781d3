import { expect, inject, test } from "vitest";
import { call, type Sent } from "./http.ts";
import { expectProblem, TRACE_ID, TRACEPARENT } from "./problems.ts";
import { newUser } from "./users.ts";

const { cart } = inject("shop").urls;
const SKU = 1_148_162;
const user = newUser();
const headers = { traceparent: TRACEPARENT };
const LINE = `POST /user/${user}/cart/${SKU}`;
const GOOD = `{"count":1}`;
const TOO_LARGE = " ".repeat(64 * 1024 + 1);

// One sample of each kind over a real port. cart/http/routes.test.ts has every route,
// shared/http/endpoint.test.ts and proto/loms/v1/schemas.test.ts have every rule.

test.each([
  { line: `POST /user/%31/cart/${SKU}`, path: "user_id", body: GOOD },
  { line: `DELETE /user/${user}/cart/1%20`, path: "sku_id", body: undefined },
  { line: LINE, path: "count", body: `{"count":1.0}` },
  { line: LINE, path: "__proto__", body: `{"count":1,"__proto__":1}` },
  { line: LINE, path: "", body: `{"count":1,"\\u0063ount":1}` },
])("$line refuses $body at $path", async (row) => {
  const answer = await call(cart, row.line, { body: row.body, headers });
  expectProblem(answer, 400, [row.path]);
  expect(answer.body["trace_id"]).toBe(TRACE_ID);
});

test("every broken rule of path and body is reported at once", async () => {
  const answer = await call(cart, "POST /user/0/cart/0", { body: `{"count":0}` });
  expectProblem(answer, 400, ["user_id", "sku_id", "count"]);
});

interface Refusal {
  readonly title: string;
  readonly line: string;
  readonly sent?: Sent;
  readonly status: number;
  readonly allow?: readonly string[];
}

const refusals: readonly Refusal[] = [
  {
    title: "unknown route before everything",
    line: "POST /user/0/basket/0",
    sent: { body: TOO_LARGE, type: "text/plain" },
    status: 404,
  },
  {
    title: "verb before type, size and path",
    line: "PUT /user/0/cart/0",
    sent: { body: TOO_LARGE, type: "text/plain" },
    status: 405,
    allow: ["POST", "DELETE"],
  },
  {
    title: "type before size and path",
    line: "POST /user/0/cart/0",
    sent: { body: TOO_LARGE, type: "text/plain" },
    status: 415,
  },
  {
    title: "size before path",
    line: "POST /user/0/cart/0",
    sent: { body: TOO_LARGE },
    status: 413,
  },
  {
    title: "size where no body is taken",
    line: `POST /user/${user}/cart/checkout`,
    sent: { body: TOO_LARGE, type: "text/plain" },
    status: 413,
  },
];

test.each(refusals)("$title: $line is answered $status", async ({ line, sent, status, allow }) => {
  const answer = await call(cart, line, { ...sent, headers });
  expectProblem(answer, status);
  expect(answer.body["trace_id"]).toBe(TRACE_ID);
  expect(answer.headers.get("allow")?.split(", ").sort()).toEqual(allow?.toSorted());
});

test.each([
  ["text", { body: "not JSON", type: "text/plain" }],
  ["bad JSON", { body: "{", type: "application/json" }],
  ["nothing", {}],
  ["bytes without a type", { body: new Uint8Array(64 * 1024), type: null }],
])("a route without a body ignores %s", async (title, sent) => {
  const deleted = await call(cart, `DELETE /user/${user}/cart/${SKU}`, sent);
  expect(deleted.status, deleted.text).toBe(204);
  // A checkout accepts a JSON body.
  const status = title === "bad JSON" ? 400 : 404;
  expectProblem(await call(cart, `POST /user/${user}/cart/checkout`, sent), status);
});

test("a trailing slash and unknown query parameters are accepted", async () => {
  expect((await call(cart, `DELETE /user/${user}/cart/?x=1&x=2`)).status).toBe(204);
  expect((await call(cart, `DELETE /user/${user}/cart/${SKU}/`)).status).toBe(204);
});
