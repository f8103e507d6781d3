import type { ServiceName } from "./log.ts";

/** What a process tells of itself: one of the services that have `/metrics`. */
export type MeasuredService = Exclude<ServiceName, "stack">;

export interface MetricFamily {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** Each takes its values from a closed set, whatever a client sends. */
  readonly labels: readonly string[];
  /** Upper bounds, of histograms. */
  readonly buckets?: readonly number[];
  readonly services: readonly MeasuredService[];
}

/** A cart answers from memory in under 1 ms, an order takes 1 to 20 ms, a request has 5 s. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** A change is shown 10 to 50 ms later; while the bus is away that grows to minutes. */
const DELAY_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
/** A lone one goes by itself; a batch ends at 500. */
const BATCH = [1, 2, 5, 10, 20, 50, 100, 200, 500];
/** The server at the other end of a call. */
const SERVER = ["server_address", "server_port", "server_service_name"] as const;
const MESSAGING = [
  "messaging_system",
  "messaging_destination_name",
  "messaging_operation_name",
] as const;

/**
 * Every metric of ours by its name; docs/metrics.md shows the same for people. prom-client adds the
 * metrics of Node or Deno. Names and labels of HTTP, RPC, database and messaging are those of
 * OpenTelemetry's semantic conventions 1.45, with underscores: docs/decisions/0042.
 */
export const METRIC_FAMILIES = {
  build_info: {
    type: "gauge",
    help: "Which service this is, in which version, and what it runs on; always 1",
    labels: ["service_name", "service_version", "process_runtime_name", "process_runtime_version"],
    services: ["cart", "loms", "notifier", "products"],
  },
  process_resident_memory_bytes: {
    type: "gauge",
    help: "Memory of the process that is in RAM",
    labels: [],
    services: ["cart", "loms", "notifier", "products"],
  },
  http_server_request_duration_seconds: {
    type: "histogram",
    help: "Requests that were answered, by cleaned URL",
    labels: [
      ...["http_request_method", "http_route", "http_response_status_code"] as const,
      ...["url_scheme", "error_type"] as const,
    ],
    buckets: SECONDS,
    services: ["cart", "loms", "notifier", "products"],
  },
  rpc_server_call_duration_seconds: {
    type: "histogram",
    help: "Calls of the methods of loms, over gRPC and through the HTTP gateway",
    labels: ["rpc_system_name", "rpc_method", "rpc_status_code", "error_type"],
    buckets: SECONDS,
    services: ["loms"],
  },
  rpc_client_call_duration_seconds: {
    type: "histogram",
    help: "gRPC calls to another service",
    labels: ["rpc_system_name", "rpc_method", "rpc_status_code", "error_type", ...SERVER],
    buckets: SECONDS,
    services: ["cart"],
  },
  http_client_request_duration_seconds: {
    type: "histogram",
    help: "Requests to the product service, every try by itself, without the wait for its turn",
    labels: [
      ...["http_request_method", "http_response_status_code", "error_type"] as const,
      ...["marketplace_product_method", ...SERVER] as const,
    ],
    buckets: SECONDS,
    services: ["cart"],
  },
  db_client_operation_duration_seconds: {
    type: "histogram",
    help: "SQL statements by what they are for, with the wait for a connection",
    labels: [
      ...["db_system_name", "db_namespace", "db_operation_name"] as const,
      ...["db_client_connection_pool_name", "db_response_status_code", "error_type"] as const,
    ],
    buckets: SECONDS,
    services: ["loms", "notifier"],
  },
  db_replication_state: {
    type: "gauge",
    help: "1 for the state at hand: writes wait for a listed replica, are refused, go on without " +
      "one, or none is listed",
    labels: ["state"],
    services: ["loms"],
  },
  product_cache_lookups_total: {
    type: "counter",
    help: "Products looked up: fresh, stale and unknown came from the cache, miss had to ask",
    labels: ["result"],
    services: ["cart"],
  },
  product_cache_refresh_failures_total: {
    type: "counter",
    help: "Refreshes of stale products that failed",
    labels: [],
    services: ["cart"],
  },
  product_cache_entries: {
    type: "gauge",
    help: "SKUs in the product cache",
    labels: [],
    services: ["cart"],
  },
  product_calls_waiting: {
    type: "gauge",
    help: "Calls to the product service that wait for their turn under the limit",
    labels: [],
    services: ["cart"],
  },
  product_limiter_wait_seconds: {
    type: "histogram",
    help: "Waits for a turn under the limit, by how they ended: granted, refused or given_up",
    labels: ["outcome"],
    buckets: SECONDS,
    services: ["cart"],
  },
  cart_repository_carts: {
    type: "gauge",
    help: "Carts that hold something",
    labels: [],
    services: ["cart"],
  },
  cart_repository_lines: {
    type: "gauge",
    help: "Lines of all carts together",
    labels: [],
    services: ["cart"],
  },
  order_transitions_total: {
    type: "counter",
    help: "Orders that went from one status to the next; `none` is where a new one comes from",
    labels: ["from", "to"],
    services: ["loms"],
  },
  stock_reservations_short_total: {
    type: "counter",
    help: "Lines of orders that stock could not cover, so that the order failed",
    labels: [],
    services: ["loms"],
  },
  outbox_backlog_events: {
    type: "gauge",
    help: "Order events that wait to be published; absent while the database cannot tell",
    labels: [],
    services: ["loms"],
  },
  outbox_oldest_age_seconds: {
    type: "gauge",
    help: "Age of the oldest order event that waits; absent while the database cannot tell",
    labels: [],
    services: ["loms"],
  },
  outbox_refused_events: {
    type: "gauge",
    help: "Order events that the bus refused for good; absent while the database cannot tell",
    labels: [],
    services: ["loms"],
  },
  outbox_relay_batch_events: {
    type: "histogram",
    help: "Order events that the relay got done with in one batch",
    labels: [],
    buckets: BATCH,
    services: ["loms"],
  },
  outbox_relay_batch_duration_seconds: {
    type: "histogram",
    help: "Batches of the relay: taken from the outbox, published, marked",
    labels: [],
    buckets: SECONDS,
    services: ["loms"],
  },
  bus_published_messages_total: {
    type: "counter",
    help: "Messages handed to the bus; those that failed come again, those refused do not",
    labels: [...MESSAGING, "error_type"],
    services: ["loms"],
  },
  bus_publish_duration_seconds: {
    type: "histogram",
    help: "Batches handed to the bus",
    labels: [...MESSAGING, "error_type"],
    buckets: SECONDS,
    services: ["loms"],
  },
  bus_consume_duration_seconds: {
    type: "histogram",
    help: "Messages consumed: ok, unreadable (to the dead letters) or a failure (comes again)",
    labels: [...MESSAGING, "messaging_consumer_group_name", "error_type"],
    buckets: SECONDS,
    services: ["notifier"],
  },
  bus_lag_messages: {
    type: "gauge",
    help: "Messages on the bus that the group is not done with; absent while the bus cannot tell",
    labels: ["messaging_system", "messaging_destination_name", "messaging_consumer_group_name"],
    services: ["notifier"],
  },
  notifier_notifications_total: {
    type: "counter",
    help: "Order events: shown, stale (a repeat, or a newer one was shown) or dead (unreadable)",
    labels: ["result"],
    services: ["notifier"],
  },
  notifier_skipped_events_total: {
    type: "counter",
    help: "Order events that should have come before one that was shown, and did not",
    labels: [],
    services: ["notifier"],
  },
  notifier_delay_seconds: {
    type: "histogram",
    help: "From a change of an order to its notification being shown, by the two hosts' clocks",
    labels: [],
    buckets: DELAY_SECONDS,
    services: ["notifier"],
  },
  batcher_batch_items: {
    type: "histogram",
    help: "Calls that shared one statement",
    labels: ["batcher"],
    buckets: BATCH,
    services: ["notifier"],
  },
  batcher_wait_seconds: {
    type: "histogram",
    help: "Waits of such calls for their batch to begin",
    labels: ["batcher"],
    buckets: SECONDS,
    services: ["notifier"],
  },
  log_lines_lost_total: {
    type: "counter",
    help: "Log lines that were dropped, since whoever reads them was slow",
    labels: [],
    services: ["cart", "loms", "notifier", "products"],
  },
  trace_spans_total: {
    type: "counter",
    help: "Spans recorded, then exported or lost; what is missing waits or found the queue full",
    labels: ["outcome"],
    services: ["cart", "loms", "notifier"],
  },
} as const satisfies Readonly<Record<string, MetricFamily>>;

export type MetricName = keyof typeof METRIC_FAMILIES;
export type MetricNameOf<Type extends MetricFamily["type"]> = {
  [Name in MetricName]: (typeof METRIC_FAMILIES)[Name]["type"] extends Type ? Name : never;
}[MetricName];
export type LabelOf<Name extends MetricName> = (typeof METRIC_FAMILIES)[Name]["labels"][number];
