import type { Panel } from "../dashboard.ts";
import { durations, perSecond, share } from "../promql.ts";

const COUNT = "http_server_request_duration_seconds_count";

/** Rate, errors and duration of the HTTP requests of a service. */
export function requests(job: string): Panel[] {
  return [
    {
      title: "Requests",
      unit: "ops",
      queries: [
        perSecond(
          `${COUNT}{job="${job}"}`,
          "http_request_method, http_route, http_response_status_code",
        ),
      ],
    },
    {
      title: "Requests that fail",
      about: "5xx, without faults of callers.",
      unit: "percentunit",
      queries: [
        share(
          `${COUNT}{job="${job}", http_response_status_code=~"5.."}`,
          `${COUNT}{job="${job}"}`,
          "5xx",
        ),
      ],
    },
    {
      title: "Duration of requests",
      unit: "s",
      queries: durations("http_server_request_duration_seconds", `{job="${job}"}`, "http_route"),
    },
  ];
}

/** Rate, errors and duration of the SQL statements of a service. */
export function statements(job: string): Panel[] {
  const count = "db_client_operation_duration_seconds_count";
  return [
    {
      title: "SQL statements",
      unit: "ops",
      queries: [
        perSecond(
          `${count}{job="${job}"}`,
          "db_operation_name, db_client_connection_pool_name",
        ),
      ],
    },
    {
      title: "SQL statements that fail",
      unit: "percentunit",
      queries: [
        share(
          `${count}{job="${job}", error_type=~"internal|unavailable|deadline_exceeded"}`,
          `${count}{job="${job}"}`,
          "failed",
        ),
      ],
    },
    {
      title: "Duration of SQL statements",
      about: "With the wait for a connection. Writes wait for the synchronous replica.",
      unit: "s",
      queries: durations(
        "db_client_operation_duration_seconds",
        `{job="${job}"}`,
        "db_operation_name, db_client_connection_pool_name",
      ),
    },
  ];
}

/** How many calls of a service share a batch, and how long they wait for it. */
export function batches(job: string): Panel[] {
  return [
    {
      title: "Calls that share a statement",
      unit: "short",
      queries: durations("batcher_batch_items", `{job="${job}"}`, "batcher"),
    },
    {
      title: "Wait for the batch to start",
      unit: "s",
      queries: durations("batcher_wait_seconds", `{job="${job}"}`, "batcher"),
    },
  ];
}
