import { Metadata } from "@grpc/grpc-js";
import { Status } from "../../proto/gen/google/rpc/status.ts";
import { AppError, type ErrorCode, type ErrorFacts } from "../errors.ts";
import type { ErrorDetail } from "./error-details.ts";
import { codeOfStatus, GRPC_STATUS } from "./status-code.ts";

/** A status message travels as a header, beside the details, within the peer's header limit. */
export const STATUS_MESSAGE_MAX_BYTES = 1_000;
/** Where gRPC carries a google.rpc.Status. */
const DETAILS_KEY = "grpc-status-details-bin";
/** gRPC's metadata for the time to wait before a retry, in ms. */
const PUSHBACK_KEY = "grpc-retry-pushback-ms";

/** A failure as grpc-js receives it from a handler and passes it to a caller. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/**
 * The gRPC status of `error`, with its facts encoded as `details`.
 * @param traceId of the failed call
 */
export function toGrpcStatus(
  error: AppError,
  details: readonly ErrorDetail[],
  traceId: string,
): GrpcStatus {
  const code = GRPC_STATUS[error.code];
  const message = cutMessage(error.message);
  const packed = details.flatMap((detail) => {
    const value = detail.encode(error, traceId);
    return value ? [{ typeUrl: detail.typeUrl, value }] : [];
  });
  const metadata = new Metadata();
  metadata.set(
    DETAILS_KEY,
    Buffer.from(Status.encode({ code, message, details: packed }).finish()),
  );
  if (error.retryAfterMs !== undefined) {
    metadata.set(PUSHBACK_KEY, String(Math.ceil(error.retryAfterMs)));
  }
  return { code, details: message, metadata };
}

/**
 * The failure of a call. With details it comes from the server and is passed on unchanged; messages
 * of the transport contain addresses and stay in the cause.
 */
export function fromGrpcStatus(
  status: GrpcStatus,
  call: string,
  details: readonly ErrorDetail[],
): AppError {
  const packed = status.metadata.get(DETAILS_KEY)[0];
  const code = packed ? codeOfStatus(status.code) : transportCode(status.code);
  try {
    if (packed instanceof Uint8Array) {
      return new AppError(code, status.details, {
        ...decodeFacts(packed, details),
        ...retryAfter(status.metadata),
        cause: status,
      });
    }
  } catch (cause) {
    return new AppError(code, foreignMessage(call, code), { cause });
  }
  return new AppError(code, foreignMessage(call, code), { cause: status });
}

/**
 * `internal` from a broken connection means that there was no answer. `unauthenticated` from a
 * proxy concerns this process, not its caller.
 */
function transportCode(number: number): ErrorCode {
  const code = codeOfStatus(number);
  return code === "internal" || code === "unauthenticated" ? "unavailable" : code;
}

function foreignMessage(call: string, code: ErrorCode): string {
  return `${call} failed: ${code.replaceAll("_", " ")}`;
}

function decodeFacts(packed: Uint8Array, details: readonly ErrorDetail[]): ErrorFacts {
  const facts = Status.decode(packed).details.map(({ typeUrl, value }) =>
    details.find((detail) => detail.typeUrl === typeUrl)?.decode(value)
  );
  return Object.assign({}, ...facts);
}

function retryAfter(metadata: Metadata): ErrorFacts {
  const text = metadata.get(PUSHBACK_KEY)[0];
  return typeof text === "string" && /^[0-9]{1,9}$/.test(text)
    ? { retryAfterMs: Number(text) }
    : {};
}

/** Cuts at a whole character; a lone surrogate cannot be sent. */
function cutMessage(message: string): string {
  // UTF-8 has at most three bytes for each unit of a string.
  if (message.length * 3 <= STATUS_MESSAGE_MAX_BYTES) return message.toWellFormed();
  const buffer = new Uint8Array(STATUS_MESSAGE_MAX_BYTES);
  const { read } = new TextEncoder().encodeInto(message, buffer);
  return message.slice(0, read).toWellFormed();
}
