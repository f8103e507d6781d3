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

const badIds = ["0", "-1", "+1", "01", "1.0", "1e0", "x", "%31", "1%20", "9223372036854775808"];
const badPaths = badIds.flatMap((id) => [
  { line: `POST /user/${id}/cart/${SKU}`, path: "user_id", body: GOOD },
  { line: `POST /user/${user}/cart/${id}`, path: "sku_id", body: GOOD },
  { line: `DELETE /user/${id}/cart/${SKU}`, path: "user_id", body: undefined },
  { line: `DELETE /user/${user}/cart/${id}`, path: "sku_id", body: undefined },
  { line: `DELETE /user/${id}/cart`, path: "user_id", body: undefined },
  { line: `GET /user/${id}/cart/list`, path: "user_id", body: undefined },
  { line: `POST /user/${id}/cart/checkout`, path: "user_id", body: undefined },
]);
const badBodies = ([
  ...["0", "-1", "1.0", "1e0", "1.5", "65536", `"1"`, "null", "true", "[]", "1e400"].map((
    count,
  ) => [`{"count":${count}}`, "count"]),
  ["{}", "count"],
  [`{"count":1,"sku":1}`, "sku"],
  [`{"count":1,"__proto__":1}`, "__proto__"],
  [`{"count":1,"count":2}`, ""],
  [`{"count":1,"\\u0063ount":1}`, ""],
  [`{"count":1`, ""],
  ["", ""],
  ["[]", ""],
  ["null", ""],
] as [string, string][]).map(([body, path]) => ({ line: LINE, path, body }));

test.each([...badPaths, ...badBodies])("$line refuses $body at $path", async (row) => {
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
  { title: "unknown route", line: "GET /user", status: 404 },
  { title: "a part too many", line: `GET /user/${user}/cart/list/all`, status: 404 },
  { title: "no user", line: "GET /user//cart/list", status: 404 },
  {
    title: "unknown route before everything",
    line: "POST /user/0/basket/0",
    sent: { body: TOO_LARGE, type: "text/plain" },
    status: 404,
  },
  {
    title: "GET of a line",
    line: `GET /user/${user}/cart/${SKU}`,
    status: 405,
    allow: ["POST", "DELETE"],
  },
  { title: "GET of a cart", line: `GET /user/${user}/cart`, status: 405, allow: ["DELETE"] },
  {
    title: "list is no SKU",
    line: `POST /user/${user}/cart/list`,
    sent: { body: GOOD },
    status: 405,
    allow: ["GET", "HEAD"],
  },
  {
    title: "list is no SKU to delete",
    line: `DELETE /user/${user}/cart/list`,
    status: 405,
    allow: ["GET", "HEAD"],
  },
  {
    title: "checkout is no SKU",
    line: `DELETE /user/${user}/cart/checkout`,
    status: 405,
    allow: ["POST"],
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
  { title: "no type", line: LINE, sent: { body: GOOD, type: null }, status: 415 },
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
  // A checkout takes a body, if it is JSON.
  const status = title === "bad JSON" ? 400 : 404;
  expectProblem(await call(cart, `POST /user/${user}/cart/checkout`, sent), status);
});

test("a trailing slash and unknown query parameters are accepted", async () => {
  expect((await call(cart, `DELETE /user/${user}/cart/?x=1&x=2`)).status).toBe(204);
  expect((await call(cart, `DELETE /user/${user}/cart/${SKU}/`)).status).toBe(204);
});
