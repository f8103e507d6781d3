import { expect, test } from "vitest";
import { AppError, type ErrorCode } from "../errors.ts";
import { codeOfStatus, HttpError, problemHeaders, problemOf, STATUS_BY_CODE } from "./problem.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";

test("STATUS_BY_CODE has the statuses of the contract, and codeOfStatus() is its inverse", () => {
  expect(STATUS_BY_CODE).toEqual({
    invalid_argument: 400,
    unauthenticated: 401,
    not_found: 404,
    already_exists: 409,
    failed_precondition: 412,
    resource_exhausted: 429,
    internal: 500,
    unavailable: 503,
    deadline_exceeded: 504,
  });
  for (const [code, status] of Object.entries(STATUS_BY_CODE)) {
    expect(codeOfStatus(status)).toBe(code as ErrorCode);
  }
  expect(codeOfStatus(418)).toBeUndefined();
});

test("problemOf() names the broken fields of a request", () => {
  const fields = [{ path: "items.0.count", message: "must be an integer" }];
  expect(problemOf(new AppError("invalid_argument", "wrong", { fields }), TRACE)).toEqual({
    type: "about:blank",
    title: "Bad Request",
    status: 400,
    detail: "wrong",
    code: "invalid_argument",
    trace_id: TRACE,
    errors: fields,
  });
});

test("problemOf() has the order and the SKUs that are short, with every digit", () => {
  const skus = [{ sku: 42, requested: 3, available: 2 }];
  const shortage = { orderId: 2n ** 63n - 1n, skus, skusTotal: 25 };
  const problem = problemOf(new AppError("failed_precondition", "short", { shortage }), TRACE);
  expect(problem).toMatchObject({ status: 412, skus, skus_total: 25 });
  expect(JSON.stringify(problem)).toContain(`"order_id":9223372036854775807`);
});

test("problemOf() has the current total and prices, with every digit", () => {
  const items = [{ sku: 42, price: 0 }];
  const prices = { totalPrice: 2n ** 53n + 1n, items };
  const problem = problemOf(new AppError("failed_precondition", "changed", { prices }), TRACE);
  expect(problem).toMatchObject({ status: 412, items });
  expect(JSON.stringify(problem)).toContain(`"total_price":9007199254740993`);
});

test("problemOf() hides the message of an internal error", () => {
  const problem = problemOf(new AppError("internal", "password is hunter2"), TRACE);
  expect(JSON.stringify(problem)).not.toContain("hunter2");
  expect(problem).toMatchObject({ status: 500, detail: "internal error" });
});

test("problemHeaders() rounds Retry-After up to whole seconds", () => {
  const after = (retryAfterMs: number) =>
    problemHeaders(new AppError("resource_exhausted", "later", { retryAfterMs }))["retry-after"];
  expect([after(0), after(1), after(1000), after(1001)]).toEqual(["1", "1", "1", "2"]);
});

test("a 405 has the code invalid_argument and the allowed methods", () => {
  const refusal = new HttpError(405, "no", "GET, HEAD");
  expect(problemOf(refusal, TRACE)).toMatchObject({ status: 405, code: "invalid_argument" });
  expect(problemHeaders(refusal)["allow"]).toBe("GET, HEAD");
});
