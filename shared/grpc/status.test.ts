import { Metadata } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { Status } from "../../proto/gen/google/rpc/status.ts";
import { ErrorInfo, PreconditionFailure } from "../../proto/gen/google/rpc/error_details.ts";
import { orderShortageDetail } from "../../proto/loms/v1/order-shortage.ts";
import { AppError, type ErrorCode } from "../errors.ts";
import { badRequest, errorInfo, preconditionFailure } from "./error-details.ts";
import { fromGrpcStatus, STATUS_MESSAGE_MAX_BYTES, toGrpcStatus } from "./status.ts";
import { GRPC_STATUS } from "./status-code.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const details = [errorInfo("test"), badRequest, preconditionFailure, orderShortageDetail];
const shortage = {
  orderId: 2n ** 63n - 1n,
  skus: [{ sku: 4_294_967_295, requested: 65_535, available: 2 }],
  skusTotal: 21,
};

function sentAndReceived(error: AppError): AppError {
  return fromGrpcStatus(toGrpcStatus(error, details, TRACE_ID), "Test/Call", details);
}

function packed(error: AppError) {
  const bytes = toGrpcStatus(error, details, TRACE_ID).metadata.get("grpc-status-details-bin")[0];
  return Status.decode(bytes as Buffer);
}

describe("a failure that is sent and received", () => {
  test.each(Object.keys(GRPC_STATUS) as ErrorCode[])("keeps code %s and its message", (code) => {
    expect(sentAndReceived(new AppError(code, "сколько: 5 %")))
      .toMatchObject({ code, message: "сколько: 5 %" });
  });

  test("keeps the first 20 fields", () => {
    const fields = Array.from(
      { length: 21 },
      (_, at) => ({ path: `items.${at}.count`, message: "" }),
    );
    expect(sentAndReceived(new AppError("invalid_argument", "no", { fields })).fields)
      .toEqual(fields.slice(0, 20));
  });

  test("keeps the fields, the shortage and the retry delay", () => {
    const fields = [{ path: "items.0.count", message: "must be …, got 0" }];
    expect(sentAndReceived(new AppError("invalid_argument", "no", { fields })).fields)
      .toEqual(fields);
    const refusal = sentAndReceived(new AppError("failed_precondition", "no", { shortage }));
    expect(refusal.shortage).toEqual(shortage);
    expect(refusal.fields).toBeUndefined();
    expect(sentAndReceived(new AppError("resource_exhausted", "no", { retryAfterMs: 99.5 })))
      .toMatchObject({ retryAfterMs: 100 });
  });
});

test("toGrpcStatus() describes the violated precondition", () => {
  const { details: [, failure] } = packed(new AppError("failed_precondition", "already payed"));
  expect(PreconditionFailure.decode(failure?.value as Uint8Array).violations).toEqual([
    { type: "STATE", subject: "", description: "already payed" },
  ]);
  expect(packed(new AppError("not_found", "no")).details).toHaveLength(1);
});

test("toGrpcStatus() has code and order in ErrorInfo, and describes the SKUs", () => {
  const status = packed(new AppError("failed_precondition", "no", { shortage }));
  expect(status).toMatchObject({ code: 9, message: "no" });
  const [info, failure] = status.details;
  expect(ErrorInfo.decode(info?.value as Uint8Array)).toEqual({
    reason: "FAILED_PRECONDITION",
    domain: "test",
    metadata: { trace_id: TRACE_ID, order_id: "9223372036854775807", skus_total: "21" },
  });
  expect(PreconditionFailure.decode(failure?.value as Uint8Array).violations).toEqual([{
    type: "STOCK",
    subject: "sku:4294967295",
    description: "65535 requested, 2 in stock",
  }]);
});

test.each(["ж", "😀", "\ud800", "x"])("toGrpcStatus() truncates a long message of %j", (letter) => {
  const message =
    toGrpcStatus(new AppError("internal", letter.repeat(2_000)), details, TRACE_ID).details;
  const bytes = new TextEncoder().encode(message).length;
  expect(bytes).toBeLessThanOrEqual(STATUS_MESSAGE_MAX_BYTES);
  expect(bytes).toBeGreaterThan(STATUS_MESSAGE_MAX_BYTES - 4);
  expect(() => encodeURI(message)).not.toThrow();
});

describe("fromGrpcStatus()", () => {
  test("keeps the transport's message in the cause, because it contains addresses", () => {
    const status = { code: 14, details: "connect 10.0.0.7:50051", metadata: new Metadata() };
    const error = fromGrpcStatus(status, "Test/Call", details);
    expect(error).toMatchObject({ code: "unavailable", message: "Test/Call failed: unavailable" });
    expect(error.cause).toBe(status);
  });

  test.each(["-1", "1.5", "soon", ""])("ignores the retry delay %j", (text) => {
    const metadata = new Metadata();
    metadata.set("grpc-retry-pushback-ms", text);
    const status = { code: 14, details: "busy", metadata };
    expect(fromGrpcStatus(status, "Test/Call", details).retryAfterMs).toBeUndefined();
  });

  test("keeps the code when the details cannot be read", () => {
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from([0xff]));
    expect(fromGrpcStatus({ code: 5, details: "gone", metadata }, "Test/Call", details))
      .toMatchObject({ code: "not_found", message: "Test/Call failed: not found" });
  });
});

test.each([
  ["unavailable", 1],
  ["unavailable", 2],
  ["unavailable", 13],
  ["unavailable", 14],
  ["deadline_exceeded", 4],
  ["resource_exhausted", 8],
])("fromGrpcStatus() reads %s from the transport's status %i", (code, number) => {
  const status = { code: number, details: "read ECONNRESET 127.0.0.1", metadata: new Metadata() };
  const error = fromGrpcStatus(status, "Test/Call", details);
  expect(error).toMatchObject({ code, cause: status });
  expect(error.message).not.toContain("127.0.0.1");
});
