import type { Dashboard } from "../dashboard.ts";
import { perSecond } from "../promql.ts";

const JOBS = `{job=~"cart|loms|notifier|products"}`;
const each = "{{job}} {{instance}}";

export const runtimes: Dashboard = {
  name: "runtimes",
  title: "Runtimes",
  about: "Node and Deno below the services: processor, memory, event loop.",
  rows: [
    {
      title: "Processes",
      panels: [
        {
          title: "Running processes",
          unit: "short",
          isNow: true,
          queries: [{
            expr: "build_info",
            legend: "{{service_name}} {{service_version}} {{process_runtime_name}} " +
              "{{process_runtime_version}}",
          }],
        },
        {
          title: "Scraped",
          about: "1: the service reports its metrics.",
          unit: "short",
          queries: [{ expr: `up${JOBS}`, legend: each }],
        },
        {
          title: "Uptime",
          unit: "s",
          isNow: true,
          queries: [{ expr: `time() - process_start_time_seconds${JOBS}`, legend: each }],
        },
        {
          title: "Processor, seconds per second",
          unit: "short",
          queries: [{
            expr: `rate(process_cpu_seconds_total${JOBS}[$__rate_interval])`,
            legend: each,
          }],
        },
        {
          title: "Memory",
          unit: "bytes",
          queries: [{ expr: `process_resident_memory_bytes${JOBS}`, legend: each }],
        },
        {
          title: "Open files and connections, share of the limit",
          about: "Reported by Node only.",
          unit: "percentunit",
          queries: [{
            expr: `process_open_fds${JOBS} / process_max_fds${JOBS}`,
            legend: each,
          }],
        },
      ],
    },
    {
      title: "JavaScript",
      panels: [
        {
          title: "Event loop delay, 99th percentile",
          about: "About 10 ms at rest, the resolution of the measurement.",
          unit: "s",
          queries: [{ expr: `nodejs_eventloop_lag_p99_seconds${JOBS}`, legend: each }],
        },
        {
          title: "Heap in use",
          unit: "bytes",
          queries: [{ expr: `nodejs_heap_size_used_bytes${JOBS}`, legend: each }],
        },
        {
          title: "Memory outside the heap",
          unit: "bytes",
          queries: [{ expr: `nodejs_external_memory_bytes${JOBS}`, legend: each }],
        },
        {
          title: "Garbage collection, seconds per second",
          about: "Reported by Node only.",
          unit: "short",
          queries: [{
            expr:
              `sum by (job, kind) (rate(nodejs_gc_duration_seconds_sum${JOBS}[$__rate_interval]))`,
            legend: "{{job}} {{kind}}",
          }],
        },
        {
          title: "Active resources of the event loop",
          unit: "short",
          queries: [{ expr: `nodejs_active_resources_total${JOBS}`, legend: each }],
        },
      ],
    },
    {
      title: "Traces and logs",
      panels: [
        {
          title: "Spans",
          about: "If OTEL_EXPORTER_OTLP_ENDPOINT is set: recorded, then exported or lost.",
          unit: "ops",
          queries: [perSecond("trace_spans_total", "job, outcome")],
        },
        {
          title: "Dropped log lines",
          about: "Above 0: the reader of the service's output is slow.",
          unit: "ops",
          queries: [perSecond("log_lines_lost_total", "job")],
        },
      ],
    },
  ],
};
