import { randomUUID } from "node:crypto";
import process from "node:process";
import { systemClock, within } from "../async/request-context.ts";
import type { Logger } from "../telemetry/log.ts";
import { counterFamily, type Metrics } from "../telemetry/metrics.ts";
import { throttledLog } from "../telemetry/throttled-log.ts";
import { isSampled, NO_TRACING, type Tracing } from "../telemetry/tracing.ts";
import { VERSION } from "../telemetry/version.ts";
import { readPairs, type TracingConfig } from "./otel-settings.ts";
import { otlpTarget } from "./otlp-target.ts";
import { startBySampler } from "./sampling.ts";

export const TRACE_SPANS_TOTAL = counterFamily({
  name: "trace_spans_total",
  help: "Spans recorded, exported and lost",
  labels: ["outcome"],
});

/** How long a stop waits for the last spans to arrive. */
const FLUSH_MAX_MS = 1_000;

export interface OpenTracing extends Tracing {
  /** Sends the last spans, within a second. Never rejects. */
  close(): Promise<void>;
}

/** With the variables of OpenTelemetry that are set but have no effect. */
export type TracingOptions = TracingConfig & { readonly OTEL_UNUSED?: readonly string[] };

/**
 * The traces of one service: exported when an endpoint is set, otherwise only propagated.
 * @throws {ConfigError} naming every certificate that cannot be read
 */
export async function openTracing(
  config: TracingOptions,
  metrics: Metrics,
  log: Logger,
): Promise<OpenTracing> {
  const { OTEL_UNUSED: unused = [] } = config;
  if (unused.length > 0) {
    log.warn("OpenTelemetry settings without effect", { settings: unused });
  }
  const spans = metrics.counter(TRACE_SPANS_TOTAL);
  const startTraceparent = await startBySampler(config);
  const target = otlpTarget(config);
  if (!target) return { ...NO_TRACING, startTraceparent, close: () => Promise.resolve() };
  // The OpenTelemetry SDK costs every process 20 MB, so it is loaded only when spans are exported.
  const { ExportedTracing } = await import("./exported-tracing.ts");
  const { otlpExporter } = await import("./otlp-exporter.ts");
  const logThrottled = throttledLog(log, systemClock);
  const userAgent = `marketplace-${metrics.service}/${VERSION}`;
  const exporter = otlpExporter(target, userAgent, (count, error) => {
    spans.inc({ outcome: error === undefined ? "exported" : "lost" }, count);
    if (error !== undefined) logThrottled("warn", "spans could not be exported", error);
  });
  const tracing = new ExportedTracing(resourceOf(config, metrics.service), exporter);
  return {
    startTraceparent,
    isSampled,
    record(span) {
      if (!isSampled(span.traceparent)) return;
      spans.inc({ outcome: "recorded" });
      tracing.record(span);
    },
    close: () => within(systemClock, FLUSH_MAX_MS, tracing.close().catch(() => {}), () => {}),
  };
}

/** OTEL_SERVICE_NAME applies to spans only; log lines and metrics keep the service's own name. */
function resourceOf(config: TracingConfig, service: string): Record<string, string | number> {
  const { OTEL_SERVICE_NAME: name } = config;
  return {
    "service.name": service,
    "service.namespace": "marketplace",
    "service.version": VERSION,
    "service.instance.id": randomUUID(),
    "process.pid": process.pid,
    ...readPairs(config.OTEL_RESOURCE_ATTRIBUTES),
    ...name !== undefined && { "service.name": name },
  };
}
