import type { Tracing } from "../telemetry/tracing.ts";
import type { Exchange, HttpObserver } from "./exchange.ts";
import { STATUS_BY_CODE } from "./problem.ts";
import { KNOWN_METHODS } from "./request-metrics.ts";

/**
 * A span for every request. Its path stays out, since it holds the user's id; what a caller did
 * wrong is no error of the server.
 */
export function requestSpans(tracing: Tracing): HttpObserver {
  return {
    requestEnded(exchange) {
      const { context, parent, startedAt, durationMs } = exchange;
      if (!tracing.keeps(context.traceparent)) return;
      const isKnown = KNOWN_METHODS.has(exchange.method);
      tracing.record({
        traceparent: context.traceparent,
        parent,
        name: `${isKnown ? exchange.method : "HTTP"} ${exchange.route}`,
        kind: "server",
        startedAt,
        durationMs,
        attributes: {
          "http.request.method": isKnown ? exchange.method : "_OTHER",
          "http.route": exchange.route,
          "http.response.status_code": exchange.status,
          "http.response.body.size": exchange.bytes,
          "url.scheme": "http",
        },
        error: errorOf(exchange),
      });
    },
  };
}

function errorOf({ status, error }: Exchange): string | undefined {
  return status >= STATUS_BY_CODE.internal ? error?.code ?? String(status) : undefined;
}
