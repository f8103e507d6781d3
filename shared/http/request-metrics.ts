import type { Metrics } from "../telemetry/metrics.ts";
import type { HttpObserver } from "./exchange.ts";

/** The verbs that are told apart. */
export const KNOWN_METHODS: ReadonlySet<string> = new Set(
  ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
);
/** Stands for every verb that a client made up. */
const OTHER_METHOD = "other";

/** Measures every request by verb, cleaned URL and status. */
export function requestMetrics(metrics: Metrics): HttpObserver {
  const durations = metrics.histogram("http_server_request_duration_seconds");
  return {
    requestEnded({ method, route, status, durationMs }) {
      const labels = { method: KNOWN_METHODS.has(method) ? method : OTHER_METHOD, route, status };
      durations.observe(labels, durationMs / 1000);
    },
  };
}
