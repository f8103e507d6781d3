import { request } from "node:http";
import { expect, inject, test } from "vitest";
import { call, type Sent } from "./http.ts";
import { expectProblem, TRACE_ID, TRACEPARENT } from "./problems.ts";
import { newUser } from "./users.ts";

// One sample of each kind over a real port. cart/http/routes.test.ts and loms/http/app.test.ts have
// every route; shared/http, shared/json.test.ts and proto/loms/v1/schemas.test.ts have every rule.

const { cart, loms = "" } = inject("shop").urls;
const SKU = 1_148_162;
const MIB = 1024 * 1024;
const TOO_LARGE = " ".repeat(64 * 1024 + 1);
const user = newUser();

interface Refusal {
  readonly title: string;
  readonly url?: string;
  readonly call: string;
  readonly sent?: Sent;
  readonly status: number;
  readonly allow?: readonly string[];
  readonly paths?: readonly string[];
}

const refusals: readonly Refusal[] = [
  {
    title: "unknown route before everything",
    call: "POST /user/0/basket/0",
    sent: { body: TOO_LARGE, type: "text/plain" },
    status: 404,
  },
  {
    title: "verb before type, size and path",
    call: "PUT /user/0/cart/0",
    sent: { body: TOO_LARGE, type: "text/plain" },
    status: 405,
    allow: ["DELETE", "POST"],
  },
  {
    title: "type before size and path",
    call: "POST /user/0/cart/0",
    sent: { body: TOO_LARGE, type: "text/plain" },
    status: 415,
  },
  {
    title: "size before path",
    call: "POST /user/0/cart/0",
    sent: { body: TOO_LARGE },
    status: 413,
  },
  {
    title: "size where no body is taken",
    call: `DELETE /user/${user}/cart/${SKU}`,
    sent: { body: TOO_LARGE, type: "text/plain" },
    status: 413,
  },
  {
    title: "over 1 MiB",
    url: loms,
    call: "POST /v1/order/create",
    sent: { body: "{".repeat(MIB + 1) },
    status: 413,
  },
  {
    title: "every rule of path and body at once",
    call: "POST /user/%31/cart/0",
    sent: { body: `{"count":0}` },
    status: 400,
    paths: ["user_id", "sku_id", "count"],
  },
  {
    title: "every rule of a message at once",
    url: loms,
    call: "POST /v1/order/create",
    sent: { body: "{}" },
    status: 400,
    paths: ["user", "items"],
  },
];

test.each(refusals)("$title: $call is answered $status", async (row) => {
  const headers = { traceparent: TRACEPARENT };
  const answer = await call(row.url ?? cart, row.call, { ...row.sent, headers });
  expectProblem(answer, row.status, row.paths);
  expect(answer.body["trace_id"]).toBe(TRACE_ID);
  expect(answer.headers.get("allow")?.split(", ").sort()).toEqual(row.allow);
});

test("a body without a declared length is refused over the limit", async () => {
  const chunk = " ".repeat(16 * 1024);
  const status = await new Promise((resolve, reject) => {
    const upload = request(`${loms}/v1/order/info`, {
      method: "POST",
      headers: { "content-type": "application/json", "transfer-encoding": "chunked" },
    });
    upload.once("response", (response) => resolve(response.resume().statusCode));
    upload.once("error", reject);
    for (let chunks = 0; chunks < 5; chunks++) upload.write(chunk);
    upload.end();
  });
  expect(status).toBe(413);
});

test("a route without a body ignores one, a trailing slash and unknown parameters", async () => {
  const sent = { body: new Uint8Array(64 * 1024), type: null };
  const deleted = await call(cart, `DELETE /user/${user}/cart/${SKU}/?x=1&x=2`, sent);
  expect(deleted.status, deleted.text).toBe(204);
});

test("a response without a trace context has a new trace id", async () => {
  const headers = { traceparent: "00-00000000000000000000000000000000-0000000000000000-01" };
  const answers = [await call(cart, "GET /nowhere"), await call(cart, "GET /nowhere", { headers })];
  for (const answer of answers) expectProblem(answer, 404);
  const ids = answers.map(({ body }) => body["trace_id"]);
  expect(new Set([...ids, "0".repeat(32)]).size).toBe(3);
});

test("the problem of a short order contains its id and its SKUs", async () => {
  const items = [{ sku: 139_819_069, count: 7 }];
  const answer = await call(loms, "POST /v1/order/create", { body: { user: newUser(), items } });
  expectProblem(answer, 412);
  expect(answer.body).toMatchObject({
    order_id: expect.any(Number),
    skus: [{ sku: 139_819_069, requested: 7, available: 0 }],
    skus_total: 1,
  });
});
