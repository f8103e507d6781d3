import type { Metrics } from "../telemetry/metrics.ts";
import { answerText } from "./answer.ts";
import type { MountedRoute } from "./app.ts";

/** `/metrics` for Prometheus. */
export function metricsRoute(metrics: Metrics): MountedRoute {
  return {
    method: "get",
    path: "/metrics",
    run: async (c) =>
      answerText(c, 200, await metrics.text(), { "content-type": metrics.contentType }),
  };
}
