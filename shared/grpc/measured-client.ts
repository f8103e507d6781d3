import { toAppError } from "../errors.ts";
import { type CalledServer, SERVER_LABELS, serverLabels } from "../telemetry/called-server.ts";
import { DURATION_BUCKETS, histogramFamily, type Metrics } from "../telemetry/metrics.ts";
import type { GrpcClient } from "./client.ts";
import { methodName, type ServiceDefinition } from "./definition.ts";
import { rpcStatusCode } from "./rpc-attributes.ts";

export const RPC_CLIENT_CALL_DURATION_SECONDS = histogramFamily({
  name: "rpc_client_call_duration_seconds",
  help: "gRPC calls to another service",
  labels: ["rpc_system_name", "rpc_method", "rpc_status_code", "error_type", ...SERVER_LABELS],
  buckets: DURATION_BUCKETS,
});

/** The same client; each of its calls is measured. */
export function measuredClient<Definition extends ServiceDefinition>(
  client: GrpcClient<Definition>,
  definition: Definition,
  server: CalledServer,
  metrics: Metrics,
): GrpcClient<Definition> {
  const durations = metrics.histogram(RPC_CLIENT_CALL_DURATION_SECONDS);
  const fixed = { rpc_system_name: "grpc", ...serverLabels(server) };
  return {
    async call(method, request, context, metadata) {
      const startedAt = context.clock.now();
      let code: string | undefined;
      try {
        return await client.call(method, request, context, metadata);
      } catch (error) {
        code = toAppError(error).code;
        throw error;
      } finally {
        const rpc_status_code = rpcStatusCode(code);
        const seconds = (context.clock.now() - startedAt) / 1000;
        durations.observe({
          ...fixed,
          rpc_method: methodName(definition, method),
          rpc_status_code,
          ...(code && { error_type: rpc_status_code }),
        }, seconds);
      }
    },
    close: () => client.close(),
  };
}
