import { collectDefaultMetrics, type Metric, Registry } from "prom-client";
import { RUNTIME } from "./runtime.ts";

/**
 * Left out of what prom-client collects: it reads these from /proc, which Deno does not allow, and
 * then tells 0; and Deno claims a version of Node. We tell memory and version ourselves.
 */
const WRONG_ON_DENO: ReadonlySet<string> = new Set([
  "process_resident_memory_bytes",
  "process_virtual_memory_bytes",
  "process_heap_bytes",
  "nodejs_version_info",
  "nodejs_active_handles",
  "nodejs_active_handles_total",
  "nodejs_active_requests",
  "nodejs_active_requests_total",
]);
/** Useful enough to have on Node alone. */
const NODE_ONLY: ReadonlySet<string> = new Set([
  "process_open_fds",
  "process_max_fds",
  "nodejs_gc_duration_seconds",
]);

/** What this runtime truthfully tells of the process; measures its event loop from now on. */
export function processMetrics(): Metric[] {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name } of registry.getMetricsAsArray()) {
    const left = WRONG_ON_DENO.has(name) || (RUNTIME.name === "deno" && NODE_ONLY.has(name));
    if (left) registry.removeSingleMetric(name);
  }
  return registry.getMetricsAsArray() as unknown as Metric[];
}
