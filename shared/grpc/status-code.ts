import { status } from "@grpc/grpc-js";
import type { ErrorCode } from "../errors.ts";

/** The one table between an error code and its gRPC status, used by server and client. */
export const GRPC_STATUS = {
  invalid_argument: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  failed_precondition: status.FAILED_PRECONDITION,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  unauthenticated: status.UNAUTHENTICATED,
  unavailable: status.UNAVAILABLE,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  internal: status.INTERNAL,
} as const satisfies Record<ErrorCode, status>;

/**
 * Statuses of other servers and of the transport, mapped to the nearest code that promises no more.
 */
const FOREIGN_STATUS = {
  // A cancelled call may have taken effect.
  [status.CANCELLED]: "unavailable",
  [status.ABORTED]: "unavailable",
  [status.OUT_OF_RANGE]: "invalid_argument",
  [status.OK]: "internal",
  [status.UNKNOWN]: "internal",
  [status.PERMISSION_DENIED]: "internal",
  [status.UNIMPLEMENTED]: "internal",
  [status.DATA_LOSS]: "internal",
} as const satisfies Partial<Record<status, ErrorCode>>;

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  ...FOREIGN_STATUS,
  ...Object.fromEntries(
    Object.entries(GRPC_STATUS).map(([code, number]) => [number, code as ErrorCode]),
  ),
};

/** The code of a gRPC status; `internal` for a number that gRPC does not define. */
export function codeOfStatus(number: number): ErrorCode {
  return CODE_OF_STATUS[number] ?? "internal";
}
