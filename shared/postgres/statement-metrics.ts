import type { Metrics } from "../telemetry/metrics.ts";
import type { StatementObservation } from "./pool.ts";

/** Measures every statement of a pool by what it is for; give it to the pool as `observe`. */
export function statementMetrics(metrics: Metrics): (observation: StatementObservation) => void {
  const durations = metrics.histogram("db_client_operation_duration_seconds");
  return ({ role, kind, outcome, durationMs }) => {
    durations.observe({ category: kind, pool: role, status: outcome }, durationMs / 1000);
  };
}
