import { beforeEach, expect, test } from "vitest";
import { AppError } from "../../shared/errors.ts";
import type { HttpApp } from "../../shared/http/app.ts";
import { openApiDocument } from "../../shared/http/openapi.ts";
import { fill, testDeps } from "../test/deps.ts";
import { cartApp, DOCUMENT_INFO } from "./routes.ts";

const MAX = "9223372036854775807";
const UNAVAILABLE = new AppError("unavailable", "no answer");
const SHORT = new AppError("failed_precondition", "Order 5 could not be reserved", {
  shortage: { orderId: 5n, skus: [{ sku: 42, requested: 2, available: 1 }], skusTotal: 1 },
});

type TestDeps = ReturnType<typeof testDeps>;
let deps: TestDeps;
let app: HttpApp;

beforeEach(() => {
  deps = testDeps();
  app = cartApp(deps, [], {});
});

interface Row {
  readonly title: string;
  /** Verb and path. */
  readonly call: string;
  readonly body?: string;
  readonly type?: string;
  readonly prepare?: (deps: TestDeps) => unknown;
  readonly status: number;
  /** The whole body of a 200; "" for none. */
  readonly answer?: string;
  /** A part of the problem. */
  readonly problem?: object;
  /** The paths in `errors[]`. */
  readonly errors?: readonly string[];
}

const COUNT = `{"count":2}`;
const cart42 = (given: TestDeps) => fill(given, 1n, { 42: 2 });

/** cart/domain/add-item.test.ts has the other refusals. */
const additions: Row[] = [
  { title: "add", call: "POST /user/1/cart/42", body: COUNT, status: 200, answer: "{}" },
  { title: "greatest user", call: `POST /user/${MAX}/cart/42`, body: COUNT, status: 200 },
  { title: "least count", call: "POST /user/1/cart/42", body: `{"count":1}`, status: 200 },
  {
    title: "greatest count",
    call: "POST /user/1/cart/42",
    body: `{"count":65535}`,
    prepare: (given) => given.stocks.stocksInfo.mockResolvedValue(2n ** 64n - 1n),
    status: 200,
  },
  {
    title: "no product",
    call: "POST /user/1/cart/42",
    body: COUNT,
    prepare: (given) => given.products.getProduct.mockResolvedValue(undefined),
    status: 412,
    problem: { code: "failed_precondition", detail: "Sku 42 is not a product" },
  },
  { title: "greatest sku", call: `POST /user/1/cart/${MAX}`, body: COUNT, status: 412 },
  {
    title: "more than can be bought",
    call: "POST /user/1/cart/42",
    body: `{"count":99}`,
    prepare: cart42,
    status: 412,
    problem: { detail: "Cannot add 99 of sku 42: 2 in the cart, 100 in stock" },
  },
  {
    title: "product service unavailable",
    call: "POST /user/1/cart/42",
    body: COUNT,
    prepare: (given) => given.products.getProduct.mockRejectedValue(UNAVAILABLE),
    status: 503,
    problem: { code: "unavailable" },
  },
];

/** One of each kind; proto/loms/v1/schemas.test.ts and shared/http have the others. */
const badBodies: Row[] = ([
  [`{"count":0}`, "count"],
  [`{}`, "count"],
  [`{"count":1,"sku":2}`, "sku"],
  [`{"count":1,"count":1}`, ""],
  [`[]`, ""],
] as const).map(([body, path]) => ({
  title: `body ${body.slice(0, 40)}`,
  call: "POST /user/1/cart/42",
  body,
  status: 400,
  problem: { code: "invalid_argument" },
  errors: [path],
}));

/** shared/http/endpoint.test.ts has the others. */
const BAD_IDS = ["0", "9223372036854775808"];
const badPaths: Row[] = BAD_IDS.flatMap((id) => [
  {
    title: `user ${id}`,
    call: `POST /user/${id}/cart/42`,
    body: COUNT,
    status: 400,
    errors: ["user_id"],
  },
  { title: `sku ${id}`, call: `DELETE /user/1/cart/${id}`, status: 400, errors: ["sku_id"] },
  { title: `clear ${id}`, call: `DELETE /user/${id}/cart`, status: 400, errors: ["user_id"] },
  { title: `list ${id}`, call: `GET /user/${id}/cart/list`, status: 400, errors: ["user_id"] },
  {
    title: `order ${id}`,
    call: `POST /user/${id}/cart/checkout`,
    status: 400,
    errors: ["user_id"],
  },
]);

const otherCalls: Row[] = [
  { title: "delete", call: "DELETE /user/1/cart/42", prepare: cart42, status: 204, answer: "" },
  { title: "delete nothing", call: "DELETE /user/1/cart/42", status: 204, answer: "" },
  { title: "delete any int64", call: `DELETE /user/1/cart/${MAX}`, status: 204 },
  { title: "clear", call: "DELETE /user/1/cart", prepare: cart42, status: 204, answer: "" },
  { title: "clear nothing", call: "DELETE /user/1/cart", status: 204, answer: "" },
  {
    title: "list",
    call: "GET /user/1/cart/list",
    prepare: cart42,
    status: 200,
    answer: `{"items":[{"sku_id":42,"name":"product 42","count":2,"price":42}],"total_price":84}`,
  },
  {
    title: "list empty",
    call: "GET /user/1/cart/list",
    status: 404,
    problem: { code: "not_found" },
  },
  {
    title: "list, product service unavailable",
    call: "GET /user/1/cart/list",
    prepare: (given) => {
      given.products.getProduct.mockRejectedValue(UNAVAILABLE);
      return cart42(given);
    },
    status: 503,
  },
  {
    title: "checkout",
    call: "POST /user/1/cart/checkout",
    prepare: (given) => {
      given.orders.orderCreate.mockResolvedValue(2n ** 63n - 1n);
      return cart42(given);
    },
    status: 200,
    answer: `{"order_id":${MAX}}`,
  },
  {
    title: "checkout with a body of any kind",
    call: "POST /user/1/cart/checkout",
    prepare: cart42,
    body: "not JSON",
    type: "text/plain",
    status: 200,
  },
  { title: "checkout empty", call: "POST /user/1/cart/checkout", status: 404 },
  {
    title: "checkout short",
    call: "POST /user/1/cart/checkout",
    prepare: (given) => {
      given.orders.orderCreate.mockRejectedValue(SHORT);
      return cart42(given);
    },
    status: 412,
    problem: {
      code: "failed_precondition",
      order_id: 5,
      skus: [{ sku: 42, requested: 2, available: 1 }],
      skus_total: 1,
    },
  },
  {
    title: "checkout, loms unavailable",
    call: "POST /user/1/cart/checkout",
    prepare: (given) => {
      given.orders.orderCreate.mockRejectedValue(UNAVAILABLE);
      return cart42(given);
    },
    status: 503,
  },
  {
    title: "checkout, defect in loms",
    call: "POST /user/1/cart/checkout",
    prepare: (given) => {
      given.orders.orderCreate.mockRejectedValue(new Error("x"));
      return cart42(given);
    },
    status: 500,
    problem: { code: "internal", detail: "internal error" },
  },
];

const refusals: Row[] = [
  { title: "no route", call: "GET /nowhere", status: 404 },
  { title: "no user", call: "GET /user//cart/list", status: 404 },
  { title: "list is no SKU", call: "POST /user/1/cart/list", body: COUNT, status: 405 },
  { title: "list is no SKU to delete", call: "DELETE /user/1/cart/list", status: 405 },
  { title: "checkout is no SKU to delete", call: "DELETE /user/1/cart/checkout", status: 405 },
  { title: "GET of a line", call: "GET /user/1/cart/42", status: 405 },
  { title: "GET of a cart", call: "GET /user/1/cart", status: 405 },
  { title: "wrong type", call: "POST /user/0/cart/42", body: COUNT, type: "text/xml", status: 415 },
  { title: "64 KiB", call: "POST /user/1/cart/42", body: " ".repeat(65_536), status: 400 },
  { title: "over 64 KiB", call: "POST /user/0/cart/42", body: " ".repeat(65_537), status: 413 },
  {
    title: "over 64 KiB for nothing",
    call: "POST /user/1/cart/checkout",
    body: " ".repeat(65_537),
    status: 413,
  },
  { title: "trailing slash", call: "DELETE /user/1/cart/", status: 204 },
  { title: "unknown query", call: "DELETE /user/1/cart?dry=1&dry=2", status: 204 },
];

function request({ call, body, type }: Row): Promise<Response> {
  const [method, path] = call.split(" ") as [string, string];
  const headers: Record<string, string> = body === undefined
    ? {}
    : { "content-type": type ?? "application/json" };
  return Promise.resolve(
    app.request(path, { method, headers, ...body !== undefined && { body } }),
  );
}

test.each([...additions, ...badBodies, ...badPaths, ...otherCalls, ...refusals])(
  "$title: $call is answered $status",
  async (row) => {
    await row.prepare?.(deps);
    const before = await deps.carts.listCart(1n);
    const answer = await request(row);
    expect(answer.status).toBe(row.status);
    const text = await answer.text();
    if (row.answer !== undefined) expect(text).toBe(row.answer);
    if (row.problem) expect(JSON.parse(text)).toMatchObject(row.problem);
    if (row.status < 400) return;
    const problem = JSON.parse(text) as { errors?: { path: string }[]; status: number };
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(problem.status).toBe(row.status);
    if (row.errors) expect(problem.errors?.map(({ path }) => path)).toEqual(row.errors);
    expect(await deps.carts.listCart(1n), "a rejected request changes nothing").toEqual(before);
  },
);

test("every route is in the document, with the operation's name", () => {
  const text = openApiDocument(app, DOCUMENT_INFO);
  const { paths } = JSON.parse(text) as {
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  const operations = Object.values(paths).flatMap((verbs) => Object.values(verbs));
  expect(operations.map(({ operationId }) => operationId).sort())
    .toEqual(["addItem", "checkout", "clearCart", "deleteItem", "listCart"]);
});
