import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { toAppError } from "../../shared/errors.ts";
import { methodName } from "../../shared/grpc/definition.ts";
import { rpcErrorType, rpcStatusCode } from "../../shared/grpc/rpc-attributes.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { Interceptor } from "./method.ts";

/** Measures every call of both transports by its method and the status that it ended with. */
export function measuring(metrics: Metrics): Interceptor {
  const durations = metrics.histogram("rpc_server_call_duration_seconds");
  return async (call, next) => {
    const { method, system, context } = call;
    const startedAt = context.clock.now();
    let code: string | undefined;
    try {
      return await next(call);
    } catch (error) {
      code = toAppError(error).code;
      throw error;
    } finally {
      const error_type = rpcErrorType(code);
      durations.observe({
        rpc_system_name: system,
        rpc_method: methodName(LomsDefinition, method),
        rpc_status_code: rpcStatusCode(code),
        ...(error_type && { error_type }),
      }, (context.clock.now() - startedAt) / 1000);
    }
  };
}
