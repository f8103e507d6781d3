import { DURATION_BUCKETS, histogramFamily, type Metrics } from "../telemetry/metrics.ts";
import type { HttpObserver } from "./exchange.ts";
import { methodAttribute, serverErrorType, URL_SCHEME } from "./request-attributes.ts";

export const HTTP_SERVER_REQUEST_DURATION_SECONDS = histogramFamily({
  name: "http_server_request_duration_seconds",
  help: "Requests that were answered, by cleaned URL",
  labels: [
    "http_request_method",
    "http_route",
    "http_response_status_code",
    "url_scheme",
    "error_type",
  ],
  buckets: DURATION_BUCKETS,
});

/** Measures every request by verb, cleaned URL and status. */
export function requestMetrics(metrics: Metrics): HttpObserver {
  const durations = metrics.histogram(HTTP_SERVER_REQUEST_DURATION_SECONDS);
  return {
    requestEnded(exchange) {
      const { method, route, status, durationMs } = exchange;
      const error_type = serverErrorType(exchange);
      durations.observe({
        http_request_method: methodAttribute(method),
        ...(route !== undefined && { http_route: route }),
        http_response_status_code: status,
        url_scheme: URL_SCHEME,
        ...(error_type && { error_type }),
      }, durationMs / 1000);
    },
  };
}
