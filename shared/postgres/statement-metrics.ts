import { DURATION_BUCKETS, histogramFamily, type Metrics } from "../telemetry/metrics.ts";
import type { StatementObservation } from "./pool.ts";
import { DB_SYSTEM } from "./statement-spans.ts";

export const DB_CLIENT_OPERATION_DURATION_SECONDS = histogramFamily({
  name: "db_client_operation_duration_seconds",
  help: "SQL statements by what they are for, with the wait for a connection",
  labels: [
    "db_system_name",
    "db_namespace",
    "db_operation_name",
    "db_client_connection_pool_name",
    "db_response_status_code",
    "error_type",
  ],
  buckets: DURATION_BUCKETS,
});

/** Measures every statement of a pool by what it is for; give it to the pool as `observe`. */
export function statementMetrics(metrics: Metrics): (observation: StatementObservation) => void {
  const durations = metrics.histogram(DB_CLIENT_OPERATION_DURATION_SECONDS);
  return ({ role, namespace, kind, outcome, sqlState, durationMs }) => {
    durations.observe({
      db_system_name: DB_SYSTEM,
      db_namespace: namespace,
      db_operation_name: kind,
      db_client_connection_pool_name: role,
      ...(sqlState && { db_response_status_code: sqlState }),
      ...(outcome !== "ok" && { error_type: outcome }),
    }, durationMs / 1000);
  };
}
