import { randomUUID } from "node:crypto";
import process from "node:process";
import { z } from "zod";
import { systemClock } from "../async/clock.ts";
import { sleep } from "../async/sleep.ts";
import { httpUrl, listOf } from "../config.ts";
import { seldomLog } from "../bus/seldom-log.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { placeBySampler, type SamplingConfig, samplingSettings } from "./sampling.ts";
import { NO_TRACING, type Tracing } from "./tracing.ts";
import { VERSION } from "./version.ts";

/** How long a stop waits for the last spans to arrive; a collector that is away gets none. */
const FLUSH_MAX_MS = 1_000;

/** What every service reads for its traces. */
export const tracingSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: listOf(
    z.string().regex(/^[!#$%&'*+.^_`|~\w-]+=[^\n\r]*$/, {
      // A header may be a secret, so the message does not repeat it.
      error: "is not a header such as name=value",
    }),
  ).prefault(""),
  ...samplingSettings,
};

export interface TracingConfig extends SamplingConfig {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_HEADERS: readonly string[];
}

export interface OpenTracing extends Tracing {
  /** Sends the last spans, within a second. Never rejects. */
  close(): Promise<void>;
}

/** The traces of one service: exported when an endpoint is set, else carried along only. */
export async function openTracing(
  config: TracingConfig,
  metrics: Metrics,
  log: Logger,
): Promise<OpenTracing> {
  const place = await placeBySampler(config);
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = config;
  if (!endpoint) return { ...NO_TRACING, place, close: () => Promise.resolve() };
  // The OpenTelemetry SDK costs every process 20 MB, so it is loaded only when spans are exported.
  const { ExportedTracing } = await import("./exported-tracing.ts");
  const { OtlpExporter } = await import("./otlp-exporter.ts");
  const spans = metrics.counter("trace_spans_total");
  const logSeldom = seldomLog(log, systemClock);
  const tracing = new ExportedTracing({
    resource: {
      "service.name": metrics.service,
      "service.namespace": "marketplace",
      "service.version": VERSION,
      "service.instance.id": randomUUID(),
      "process.pid": process.pid,
    },
    place,
    exporter: new OtlpExporter({
      endpoint,
      headers: Object.fromEntries(config.OTEL_EXPORTER_OTLP_HEADERS.map(toHeader)),
      onBatch(count, error) {
        spans.inc({ outcome: error === undefined ? "exported" : "lost" }, count);
        if (error !== undefined) logSeldom("warn", "spans are lost on their way", error);
      },
    }),
    onRecord: () => spans.inc({ outcome: "recorded" }),
  });
  return {
    place,
    keeps: (traceparent) => tracing.keeps(traceparent),
    record: (span) => tracing.record(span),
    close: () => Promise.race([tracing.close().catch(() => {}), sleep(systemClock, FLUSH_MAX_MS)]),
  };
}

function toHeader(pair: string): [string, string] {
  const at = pair.indexOf("=");
  return [pair.slice(0, at), decode(pair.slice(at + 1))];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
