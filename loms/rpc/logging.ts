import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { toAppError } from "../../shared/errors.ts";
import { methodName } from "../../shared/grpc/definition.ts";
import { rpcErrorType, rpcStatusCode } from "../../shared/grpc/rpc-attributes.ts";
import { causeOf } from "../../shared/telemetry/describe-error.ts";
import type { Logger } from "../../shared/telemetry/log.ts";
import type { Interceptor, RpcCall } from "./method.ts";

/**
 * One line a call over gRPC: which method, how it ended and how long it took; a defect with its
 * stack. A call over HTTP has its line from the HTTP server.
 */
export function logging(log: Logger): Interceptor {
  return async (call, next) => {
    if (call.system === "http") return await next(call);
    const startedAt = call.context.clock.now();
    try {
      const response = await next(call);
      log.info("call", line(call, undefined, startedAt), call.context);
      return response;
    } catch (thrown) {
      const error = toAppError(thrown);
      const fields = { ...line(call, error.code, startedAt), detail: error.message };
      switch (error.code) {
        case "internal":
          log.error("call", { ...fields, error }, call.context);
          break;
        case "unavailable":
        case "deadline_exceeded":
          log.warn("call", { ...fields, ...causeOf(error) }, call.context);
          break;
        default:
          log.info("call", fields, call.context);
      }
      throw error;
    }
  };
}

function line({ method, system, context }: RpcCall, code: string | undefined, startedAt: number) {
  const error_type = rpcErrorType(code);
  return {
    rpc_system_name: system,
    rpc_method: methodName(LomsDefinition, method),
    rpc_status_code: rpcStatusCode(code),
    duration_ms: Math.round((context.clock.now() - startedAt) * 1000) / 1000,
    ...(error_type && { error_type }),
  };
}
