import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { methodName } from "../../shared/grpc/definition.ts";
import { rpcAttributes, rpcErrorType } from "../../shared/grpc/rpc-attributes.ts";
import { inSpan } from "../../shared/telemetry/in-span.ts";
import type { Tracing } from "../../shared/telemetry/tracing.ts";
import type { Interceptor } from "./method.ts";

/** A span for every call over gRPC. One over HTTP has its span from the HTTP server. */
export function tracing(spans: Tracing): Interceptor {
  return (call, next) => {
    const { method, system, context } = call;
    const { traceparent, parent, clock } = context;
    if (system === "http" || !spans.keeps(traceparent)) return next(call);
    const name = methodName(LomsDefinition, method);
    return inSpan(spans, {
      ...{ traceparent, parent, name, kind: "server", clock },
      describe: (code) => ({
        attributes: rpcAttributes(name, code),
        error: rpcErrorType(code),
      }),
    }, () => next(call));
  };
}
