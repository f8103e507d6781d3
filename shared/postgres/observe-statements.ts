import type { Metrics } from "../telemetry/metrics.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { StatementObservation } from "./pool.ts";
import { statementMetrics } from "./statement-metrics.ts";
import { statementSpans } from "./statement-spans.ts";

/** All that watches the statements of a pool; give it to the pool as `observe`. */
export function observeStatements(
  metrics: Metrics,
  tracing: Tracing,
): (observation: StatementObservation) => void {
  const [measure, trace] = [statementMetrics(metrics), statementSpans(tracing)];
  return (observation) => {
    measure(observation);
    trace(observation);
  };
}
