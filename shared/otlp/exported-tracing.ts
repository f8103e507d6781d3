import { type HrTime, SpanKind as OtelKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from "@opentelemetry/sdk-trace";
import { RUNTIME } from "../telemetry/version.ts";
import {
  isSampled,
  spanIdOf,
  type SpanKind,
  type SpanRecord,
  traceIdOf,
  type Tracing,
} from "../telemetry/tracing.ts";

/** Queued spans, about 4 MB; further ones are dropped. */
const QUEUE_MAX = 4_096;
const BATCH_MAX = 512;
/** How long a span waits for its batch to fill; short, so that a viewer shows new spans. */
const BATCH_DELAY_MS = 1_000;
const LINKS_MAX = 128;
/** The wall clock may be set while the process runs; beyond this drift the offset is read again. */
const CLOCK_DRIFT_MAX_MS = 20;
const SCOPE = { name: "marketplace" };

const KINDS = {
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
  internal: OtelKind.INTERNAL,
} as const satisfies Record<SpanKind, OtelKind>;

/** Passes sampled spans to the SDK's batches. Their queue is bounded, so `record` never waits. */
export class ExportedTracing implements Pick<Tracing, "record"> {
  readonly #processor: BatchSpanProcessor;
  readonly #resource: ReadableSpan["resource"];
  #epochOfZero = performance.timeOrigin;

  /** @param attributes of the OpenTelemetry resource */
  constructor(attributes: Readonly<Record<string, string | number>>, exporter: SpanExporter) {
    this.#resource = resourceFromAttributes({
      ...attributes,
      "process.runtime.name": RUNTIME.name,
      "process.runtime.version": RUNTIME.version,
      "telemetry.sdk.language": "nodejs",
      "telemetry.sdk.name": "opentelemetry",
    });
    this.#processor = new BatchSpanProcessor({
      exporter,
      maxQueueSize: QUEUE_MAX,
      maxExportBatchSize: BATCH_MAX,
      scheduledDelayMillis: BATCH_DELAY_MS,
    });
  }

  record(span: SpanRecord): void {
    this.#processor.onEnd(this.#readable(span));
  }

  /** Sends queued spans. Rejects if the collector is unavailable. */
  close(): Promise<void> {
    return this.#processor.shutdown();
  }

  #readable(span: SpanRecord): ReadableSpan {
    const { name, kind, parent, error, events = [], links = [] } = span;
    const own = spanContextOf(span.traceparent, false);
    const isRemote = kind === "server" || kind === "consumer";
    const sampled = links.filter(isSampled);
    return {
      name,
      kind: KINDS[kind],
      spanContext: () => own,
      ...(parent ? { parentSpanContext: spanContextOf(parent, isRemote) } : {}),
      startTime: this.#calendar(span.startedAt),
      endTime: this.#calendar(span.startedAt + span.durationMs),
      duration: toHrTime(span.durationMs),
      status: { code: error === undefined ? SpanStatusCode.UNSET : SpanStatusCode.ERROR },
      attributes: error === undefined
        ? span.attributes
        : { ...span.attributes, "error.type": error },
      links: sampled.slice(0, LINKS_MAX).map((each) => ({ context: spanContextOf(each, true) })),
      events: events.map((event) => ({
        name: event.name,
        time: this.#calendar(event.at),
        attributes: event.attributes,
      })),
      ended: true,
      resource: this.#resource,
      instrumentationScope: SCOPE,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: Math.max(0, sampled.length - LINKS_MAX),
    };
  }

  #calendar(at: number): HrTime {
    const drift = Date.now() - performance.now() - this.#epochOfZero;
    if (Math.abs(drift) > CLOCK_DRIFT_MAX_MS) this.#epochOfZero += drift;
    return toHrTime(this.#epochOfZero + at);
  }
}

function spanContextOf(traceparent: string, isRemote: boolean) {
  return {
    traceId: traceIdOf(traceparent),
    spanId: spanIdOf(traceparent),
    traceFlags: isSampled(traceparent) ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote,
  };
}

function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.floor((ms - seconds * 1000) * 1_000_000)];
}
