import { type CalledServer, serverAttributes } from "../telemetry/called-server.ts";
import { childTraceparent, observed, type Tracing } from "../telemetry/tracing.ts";
import type { GrpcClient } from "./client.ts";
import { methodName, type ServiceDefinition } from "./definition.ts";
import { rpcAttributes, rpcStatusCode } from "./rpc-attributes.ts";

/** The same client; each of its calls is a span, and the server's span is below that. */
export function tracedClient<Definition extends ServiceDefinition>(
  client: GrpcClient<Definition>,
  definition: Definition,
  server: CalledServer,
  tracing: Tracing,
): GrpcClient<Definition> {
  const at = serverAttributes(server);
  return {
    call(method, request, context, metadata) {
      const { traceparent: parent, clock } = context;
      if (!tracing.isSampled(parent)) return client.call(method, request, context, metadata);
      const traceparent = childTraceparent(parent);
      const name = methodName(definition, method);
      const call = () => client.call(method, request, context, { ...metadata, traceparent });
      return observed(call, {
        clock,
        span: {
          ...{ tracing, traceparent, parent, name, kind: "client" },
          describe: (code) => ({
            attributes: { ...rpcAttributes(name, code), ...at },
            error: code && rpcStatusCode(code),
          }),
        },
      });
    },
    close: () => client.close(),
  };
}
