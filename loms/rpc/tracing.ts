import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { methodName } from "../../shared/grpc/definition.ts";
import { rpcAttributes } from "../../shared/grpc/rpc-attributes.ts";
import { inSpan } from "../../shared/telemetry/in-span.ts";
import type { Tracing } from "../../shared/telemetry/tracing.ts";
import type { Interceptor } from "./method.ts";

/** What is the server's fault; the rest is its answer to what a caller asked. */
const SERVER_ERRORS: ReadonlySet<string> = new Set([
  "unavailable",
  "deadline_exceeded",
  "internal",
]);

/** A span for every call over gRPC. One over HTTP has its span from the HTTP door. */
export function tracing(spans: Tracing): Interceptor {
  return (call, next) => {
    const { method, door, context } = call;
    const { traceparent, parent, clock } = context;
    if (door === "http" || !spans.keeps(traceparent)) return next(call);
    const name = methodName(LomsDefinition, method);
    return inSpan(spans, {
      ...{ traceparent, parent, name, kind: "server", clock },
      describe: (code) => ({
        attributes: rpcAttributes(name, code),
        error: code && SERVER_ERRORS.has(code) ? code : undefined,
      }),
    }, () => next(call));
  };
}
