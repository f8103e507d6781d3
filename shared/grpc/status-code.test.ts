import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import type { ErrorCode } from "../errors.ts";
import { codeOfStatus, GRPC_STATUS } from "./status-code.ts";

test("GRPC_STATUS has the numbers of the contract", () => {
  expect(GRPC_STATUS).toEqual({
    invalid_argument: 3,
    not_found: 5,
    already_exists: 6,
    failed_precondition: 9,
    resource_exhausted: 8,
    unauthenticated: 16,
    unavailable: 14,
    deadline_exceeded: 4,
    internal: 13,
  });
});

test("codeOfStatus() is the inverse for every code", () => {
  for (const [code, number] of Object.entries(GRPC_STATUS)) {
    expect(codeOfStatus(number)).toBe(code);
  }
});

test("codeOfStatus() maps every status that gRPC defines", () => {
  const numbers = Object.values(status).filter((value) => typeof value === "number");
  const codes = Object.fromEntries(numbers.map((number) => [status[number], codeOfStatus(number)]));
  expect(codes).toEqual(
    {
      OK: "internal",
      CANCELLED: "unavailable",
      UNKNOWN: "internal",
      INVALID_ARGUMENT: "invalid_argument",
      DEADLINE_EXCEEDED: "deadline_exceeded",
      NOT_FOUND: "not_found",
      ALREADY_EXISTS: "already_exists",
      PERMISSION_DENIED: "internal",
      RESOURCE_EXHAUSTED: "resource_exhausted",
      FAILED_PRECONDITION: "failed_precondition",
      ABORTED: "unavailable",
      OUT_OF_RANGE: "invalid_argument",
      UNIMPLEMENTED: "internal",
      INTERNAL: "internal",
      UNAVAILABLE: "unavailable",
      DATA_LOSS: "internal",
      UNAUTHENTICATED: "unauthenticated",
    } satisfies Record<string, ErrorCode>,
  );
});

test("codeOfStatus() answers internal for a number that gRPC does not define", () => {
  expect(codeOfStatus(99)).toBe("internal");
});
