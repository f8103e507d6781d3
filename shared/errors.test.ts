import { expect, test } from "vitest";
import { AppError, isUnknownOutcome, toAppError } from "./errors.ts";

test("toAppError() returns an AppError unchanged", () => {
  const error = new AppError("failed_precondition", "short", {
    shortage: { orderId: 1n, skus: [{ sku: 2, requested: 3, available: 1 }], skusTotal: 1 },
  });
  expect(toAppError(error)).toBe(error);
  expect(error.shortage?.skus[0]).toEqual({ sku: 2, requested: 3, available: 1 });
});

test("toAppError() hides the text of any other error and keeps it as the cause", () => {
  const secret = new Error("password=hunter2");
  const error = toAppError(secret);
  expect(error.code).toBe("internal");
  expect(error.message).not.toContain("hunter2");
  expect(error.cause).toBe(secret);
});

test("isUnknownOutcome() is false for every definite refusal", () => {
  const definite = [
    "invalid_argument",
    "not_found",
    "already_exists",
    "failed_precondition",
    "resource_exhausted",
  ] as const;
  expect(definite.filter(isUnknownOutcome)).toEqual([]);
  expect((["unavailable", "deadline_exceeded", "internal"] as const).every(isUnknownOutcome))
    .toBe(true);
});
