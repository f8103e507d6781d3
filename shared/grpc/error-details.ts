import {
  BadRequest,
  ErrorInfo,
  PreconditionFailure,
} from "../../proto/gen/google/rpc/error_details.ts";
import type { AppError, ErrorFacts } from "../errors.ts";

const TYPE_URL_PREFIX = "type.googleapis.com/";

/** Violations in one error: some gRPC libraries refuse trailers over 8 KiB. */
const VIOLATIONS_MAX = 20;

const ORDER_ID = "order_id";

/** A message in the details of a gRPC status, and the facts that it carries. */
export interface ErrorDetail {
  /** {@link TYPE_URL_PREFIX} and the full name of the message. */
  readonly typeUrl: string;
  /** Undefined if the error has no such facts. `traceId` belongs to the failed call. */
  encode(error: AppError, traceId: string): Uint8Array | undefined;
  /** Throws if the bytes are not that message. */
  decode(bytes: Uint8Array): ErrorFacts;
}

/**
 * The code and the trace of every error, and the order that it is about.
 * @param domain of the service, such as `loms.marketplace`
 */
export function errorInfo(domain: string): ErrorDetail {
  return {
    typeUrl: `${TYPE_URL_PREFIX}google.rpc.ErrorInfo`,
    encode({ code, shortage, orderId }, traceId) {
      const metadata: Record<string, string> = { trace_id: traceId };
      if (orderId !== undefined) metadata[ORDER_ID] = String(orderId);
      if (shortage) {
        metadata[ORDER_ID] = String(shortage.orderId);
        metadata["skus_total"] = String(shortage.skusTotal);
      }
      return ErrorInfo.encode({ reason: code.toUpperCase(), domain, metadata }).finish();
    },
    decode(bytes) {
      const orderId = ErrorInfo.decode(bytes).metadata[ORDER_ID];
      return orderId === undefined ? {} : { orderId: BigInt(orderId) };
    },
  };
}

/** The violations of a request. */
export const badRequest: ErrorDetail = {
  typeUrl: `${TYPE_URL_PREFIX}google.rpc.BadRequest`,
  encode({ fields }) {
    if (!fields) return undefined;
    const fieldViolations = fields.slice(0, VIOLATIONS_MAX).map(({ path, message }) => ({
      field: path,
      description: message,
    }));
    return BadRequest.encode({ fieldViolations }).finish();
  },
  decode(bytes) {
    const { fieldViolations } = BadRequest.decode(bytes);
    return {
      fields: fieldViolations.map(({ field, description }) => ({
        path: field,
        message: description,
      })),
    };
  },
};

/**
 * The cause of a failed precondition, in words that any gRPC tool shows: the SKUs that are short,
 * or a state.
 */
export const preconditionFailure: ErrorDetail = {
  typeUrl: `${TYPE_URL_PREFIX}google.rpc.PreconditionFailure`,
  encode({ code, message, shortage }) {
    if (code !== "failed_precondition") return undefined;
    const violations = shortage?.skus.map(({ sku, requested, available }) => ({
      type: "STOCK",
      subject: `sku:${sku}`,
      description: `${requested} requested, ${available} in stock`,
    }));
    const state = { type: "STATE", subject: "", description: message };
    return PreconditionFailure.encode({ violations: violations ?? [state] }).finish();
  },
  decode: () => ({}),
};
