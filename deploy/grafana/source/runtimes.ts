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
          title: "What runs",
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
          title: "Running for",
          unit: "s",
          isNow: true,
          queries: [{ expr: `time() - process_start_time_seconds${JOBS}`, legend: each }],
        },
        {
          title: "Processor, seconds a second",
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
          title: "Open files and connections, of what is allowed",
          about: "Definite by Node alone.",
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
          title: "Event loop: how late a timer is, 99 %",
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
          title: "Garbage collection, seconds a second",
          about: "Definite by Node alone.",
          unit: "short",
          queries: [{
            expr:
              `sum by (job, kind) (rate(nodejs_gc_duration_seconds_sum${JOBS}[$__rate_interval]))`,
            legend: "{{job}} {{kind}}",
          }],
        },
        {
          title: "What keeps the event loop alive",
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
          about: "While OTEL_EXPORTER_OTLP_ENDPOINT is set: recorded, then exported or lost.",
          unit: "ops",
          queries: [perSecond("trace_spans_total", "job, outcome")],
        },
        {
          title: "Log lines that were dropped",
          about: "Above 0: the reader of the service's output is slow.",
          unit: "ops",
          queries: [perSecond("log_lines_lost_total", "job")],
        },
      ],
    },
  ],
};
