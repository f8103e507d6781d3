import { toAppError } from "../../shared/errors.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { Interceptor } from "./method.ts";

/** Measures every call of both doors by its method and the code that it ended with. */
export function measuring(metrics: Metrics): Interceptor {
  const durations = metrics.histogram("rpc_server_call_duration_seconds");
  return async (call, next) => {
    const { method, door, context } = call;
    const startedAt = context.clock.now();
    let status = "ok";
    try {
      return await next(call);
    } catch (error) {
      status = toAppError(error).code;
      throw error;
    } finally {
      durations.observe({ method, door, status }, (context.clock.now() - startedAt) / 1000);
    }
  };
}
