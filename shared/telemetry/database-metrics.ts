import { DURATION_BUCKETS, histogramFamily } from "./metrics.ts";

export const DB_CLIENT_OPERATION_DURATION_SECONDS = histogramFamily({
  name: "db_client_operation_duration_seconds",
  help: "SQL statements and commands of Valkey by operation, " +
    "including the wait for a connection",
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
