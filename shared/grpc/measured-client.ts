import { toAppError } from "../errors.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { GrpcClient } from "./client.ts";
import type { ServiceDefinition } from "./definition.ts";

/** The same client; each of its calls is measured. `peer` names the service at the other end. */
export function measuredClient<Definition extends ServiceDefinition>(
  client: GrpcClient<Definition>,
  peer: string,
  metrics: Metrics,
): GrpcClient<Definition> {
  const durations = metrics.histogram("rpc_client_call_duration_seconds");
  return {
    async call(method, request, context, metadata) {
      const startedAt = context.clock.now();
      let status = "ok";
      try {
        return await client.call(method, request, context, metadata);
      } catch (error) {
        status = toAppError(error).code;
        throw error;
      } finally {
        const seconds = (context.clock.now() - startedAt) / 1000;
        durations.observe({ peer, method: String(method), status }, seconds);
      }
    },
    close: () => client.close(),
  };
}
