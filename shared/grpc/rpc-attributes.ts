import type { ErrorCode } from "../errors.ts";

/** What a server itself is at fault for; any other status is its answer to a caller's mistake. */
const SERVER_ERRORS: ReadonlySet<string> = new Set<ErrorCode>([
  "unavailable",
  "deadline_exceeded",
  "internal",
]);

/** What a span says of a call of `package.Service/Method`. */
export function rpcAttributes(method: string, code: string | undefined) {
  return {
    "rpc.system.name": "grpc",
    "rpc.method": method,
    "rpc.status_code": rpcStatusCode(code),
  };
}

/** The status by gRPC's own name, `NOT_FOUND`. The codes of our vocabulary have the same names. */
export function rpcStatusCode(code: string | undefined): string {
  return (code ?? "ok").toUpperCase();
}

/** To the server only its own faults are errors; to a client every status but OK is one. */
export function rpcErrorType(code: string | undefined): string | undefined {
  return code !== undefined && SERVER_ERRORS.has(code) ? rpcStatusCode(code) : undefined;
}
