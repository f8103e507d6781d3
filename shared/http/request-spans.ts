import type { Tracing } from "../telemetry/tracing.ts";
import type { HttpObserver } from "./exchange.ts";
import { methodAttribute, serverErrorType, spanName, URL_SCHEME } from "./request-attributes.ts";

/** A span for every request. Its path and a made-up verb stay out: they may hold a user's data. */
export function requestSpans(tracing: Tracing): HttpObserver {
  return {
    requestEnded(exchange) {
      const { context, parent, route, startedAt, durationMs } = exchange;
      if (!tracing.keeps(context.traceparent)) return;
      tracing.record({
        traceparent: context.traceparent,
        parent,
        name: spanName(exchange),
        kind: "server",
        startedAt,
        durationMs,
        attributes: {
          "http.request.method": methodAttribute(exchange.method),
          ...(route !== undefined && { "http.route": route }),
          "http.response.status_code": exchange.status,
          "http.response.body.size": exchange.bytes,
          "url.scheme": URL_SCHEME,
        },
        error: serverErrorType(exchange),
      });
    },
  };
}
