import { toAppError } from "../errors.ts";
import { type CalledServer, serverLabels } from "../telemetry/called-server.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { GrpcClient } from "./client.ts";
import { methodName, type ServiceDefinition } from "./definition.ts";
import { rpcStatusCode } from "./rpc-attributes.ts";

/** The same client; each of its calls is measured. */
export function measuredClient<Definition extends ServiceDefinition>(
  client: GrpcClient<Definition>,
  definition: Definition,
  server: CalledServer,
  metrics: Metrics,
): GrpcClient<Definition> {
  const durations = metrics.histogram("rpc_client_call_duration_seconds");
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
