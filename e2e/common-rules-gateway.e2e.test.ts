import { request } from "node:http";
import { describe, expect, inject, test } from "vitest";
import { call, type Sent } from "./http.ts";
import { expectProblem, TRACE_ID, TRACEPARENT } from "./problems.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const loms = shop.urls.loms ?? "";
const { cancel } = shopAt(shop);
const SKU = 30_816_475;
const MIB = 1024 * 1024;
const headers = { traceparent: TRACEPARENT };

const CREATE = "POST /v1/order/create";
const INFO = "POST /v1/order/info";
const STOCK = "POST /v1/stock/info";
const line = `{"sku":${SKU},"count":1}`;

// One sample of each kind over a real port. shared/http, loms/http/app.test.ts and
// proto/loms/v1/schemas.test.ts have every rule.

test.each([
  { path: INFO, body: `{"orderID":9223372036854775808}`, paths: ["orderID"] },
  { path: INFO, body: `{"orderID":"01"}`, paths: ["orderID"] },
  { path: INFO, body: `{"orderID":1,"orderID":1}`, paths: [""] },
  { path: INFO, body: "[".repeat(10_000), paths: [""] },
  { path: STOCK, body: `{"sku":1.0}`, paths: ["sku"] },
  { path: CREATE, body: `{}`, paths: ["user", "items"] },
  {
    path: CREATE,
    body: `{"user":1,"items":[${line},{"sku":1,"count":65536}]}`,
    paths: ["items.1.count"],
  },
])("$path refuses $body with the path of each broken rule", async ({ path, body, paths }) => {
  const answer = await call(loms, path, { body, headers });
  expectProblem(answer, 400, paths);
  expect(answer.body["trace_id"]).toBe(TRACE_ID);
  for (const { message } of answer.body.errors ?? []) expect(message).not.toBe("");
});

interface Refusal {
  readonly title: string;
  readonly call: string;
  readonly sent?: Sent;
  readonly status: number;
  readonly allow?: string;
}

const GOOD = `{"orderID":1}`;
const refusals: readonly Refusal[] = [
  { title: "unknown route", call: "POST /v1/order/refund", sent: { body: GOOD }, status: 404 },
  {
    title: "wrong verb before type, size and body",
    call: "PUT /v1/order/info",
    sent: { body: " ".repeat(MIB), type: "text/plain" },
    status: 405,
    allow: "POST",
  },
  {
    title: "type before size and body",
    call: INFO,
    sent: { body: " ".repeat(MIB), type: "text/plain" },
    status: 415,
  },
  { title: "size before body", call: INFO, sent: { body: "{".repeat(65_537) }, status: 413 },
  { title: "64 KiB are read", call: INFO, sent: { body: "{".repeat(65_536) }, status: 400 },
  { title: "over 1 MiB", call: CREATE, sent: { body: "{".repeat(MIB + 1) }, status: 413 },
  {
    title: "not UTF-8",
    call: INFO,
    sent: { body: new Uint8Array([0x7b, 0xff, 0x7d]) },
    status: 400,
  },
];

test.each(refusals)("$title: $call is answered $status", async (row) => {
  const answer = await call(loms, row.call, { ...row.sent, headers });
  expectProblem(answer, row.status);
  expect(answer.body["trace_id"]).toBe(TRACE_ID);
  expect(answer.headers.get("allow")).toBe(row.allow ?? null);
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

test("a trailing slash and unknown query parameters are accepted", async () => {
  const answer = await call(loms, `${STOCK}/?verbose=1&verbose=2`, { body: { sku: SKU } });
  expect(answer.status).toBe(200);
});

describe("int64", () => {
  test.each(["9007199254740993", "9223372036854775807"])(
    "user %s is exact as an integer and as a string, in both directions",
    async (user) => {
      for (const written of [user, `"${user}"`]) {
        const body = `{"user":${written},"items":[${line}]}`;
        const created = await call(loms, CREATE, { body });
        expect(created.status, created.text).toBe(200);
        const id = created.body["orderID"] as number;
        const info = await call(loms, INFO, { body: `{"orderID":"${id}"}` });
        expect(info.text).toBe(
          `{"status":"awaiting payment","user":${user},"items":[${line}]}`,
        );
        await cancel(id);
      }
    },
  );
});

test("a response without a trace has its own trace id", async () => {
  const first = await call(loms, INFO, { body: "{}" });
  const second = await call(loms, INFO, {
    body: "{}",
    headers: { traceparent: "00-00000000000000000000000000000000-0000000000000000-01" },
  });
  expectProblem(first, 400);
  expectProblem(second, 400);
  expect(first.body["trace_id"]).not.toBe(second.body["trace_id"]);
  expect(second.body["trace_id"]).not.toBe("0".repeat(32));
});

test("the problem of a short order contains its id and its SKUs", async () => {
  const items = [{ sku: 139_819_069, count: 7 }];
  const answer = await call(loms, CREATE, { body: { user: newUser(), items } });
  expectProblem(answer, 412);
  expect(answer.body).toMatchObject({
    order_id: expect.any(Number),
    skus: [{ sku: 139_819_069, requested: 7, available: 0 }],
    skus_total: 1,
  });
});
