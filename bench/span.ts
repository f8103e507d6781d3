/*
 * A span below a caller's trace context: ours, recorded when the work has ended, compared with one
 * of the OpenTelemetry SDK's tracer with an explicit context. Both read the context from a header,
 * create the header of the next call, and pass the span to the SDK's batches, whose exporter
 * discards it. The variants alternate in rounds in one process; a figure is the median over the
 * rounds, and a ratio is taken within one round. Exits with 1 if a span was lost.
 */
import process from "node:process";
import { ROOT_CONTEXT, type Span, SpanKind, trace, TraceFlags } from "@opentelemetry/api";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { ExportedTracing } from "../shared/otlp/exported-tracing.ts";
import {
  isSampled,
  parseTraceparent,
  spanIdOf,
  startParentBased,
  traceIdOf,
} from "../shared/telemetry/tracing.ts";
import { median } from "./statistics.ts";

const ROUNDS = 101;
/** Less than the queue of a batch processor holds. */
const SPANS = 2_000;

const NAME = "GET /user/{user_id}/cart/list";
const attributesOf = (status: number) => ({
  "http.request.method": "GET",
  "http.route": "/user/{user_id}/cart/list",
  "http.response.status_code": status,
  "http.response.body.size": 345,
  "url.scheme": "http",
});

interface Variant {
  /** Makes one span below the caller's header and returns the header of the next call. */
  span(caller: string): string;
  /** Exports the spans. */
  close(): Promise<void>;
}

const start = startParentBased(true);

function ours(exporter: SpanExporter): Variant {
  const tracing = new ExportedTracing({}, exporter);
  const span = (caller: string) => {
    const parent = parseTraceparent(caller);
    const startedAt = performance.now();
    const traceparent = start(parent);
    if (!isSampled(traceparent)) return traceparent;
    const durationMs = performance.now() - startedAt;
    const timed = { startedAt, durationMs, attributes: attributesOf(200) };
    tracing.record({ traceparent, parent, name: NAME, kind: "server", ...timed });
    return traceparent;
  };
  return { span, close: () => tracing.close() };
}

function theirs(exporter: SpanExporter): Variant {
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: SPANS })],
  });
  const tracer = provider.getTracer("marketplace");
  const span = (caller: string) => {
    const parent = trace.setSpanContext(ROOT_CONTEXT, spanContextOf(caller));
    const started = tracer.startSpan(NAME, { kind: SpanKind.SERVER }, parent);
    if (started.isRecording()) started.setAttributes(attributesOf(200)).end();
    return headerOf(started);
  };
  return { span, close: () => provider.shutdown() };
}

function spanContextOf(header: string) {
  const traceparent = parseTraceparent(header) as string;
  return {
    ...{ traceId: traceIdOf(traceparent), spanId: spanIdOf(traceparent), isRemote: true },
    traceFlags: isSampled(traceparent) ? TraceFlags.SAMPLED : TraceFlags.NONE,
  };
}

function headerOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-0${traceFlags}`;
}

/** The last header; storing it prevents the compiler from skipping the work. */
let last = "";
let lost = 0;

/** Microseconds per span. */
async function measure(open: typeof ours, caller: string): Promise<number> {
  let exported = 0;
  const { span, close } = open({
    export(spans, done) {
      exported += spans.length;
      done({ code: 0 });
    },
    shutdown: () => Promise.resolve(),
  });
  const startedAt = performance.now();
  for (let number = 0; number < SPANS; number++) last = span(caller);
  const us = (performance.now() - startedAt) * 1_000 / SPANS;
  await close();
  if (isSampled(caller)) lost += SPANS - exported;
  return us;
}

const CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0";
const HEADERS = { sampled: `${CALLER}1`, "not sampled": `${CALLER}0` };
const rounds = Object.entries(HEADERS).map(([name, caller]) => (
  { name, caller, us: { ours: [] as number[], theirs: [] as number[], ratio: [] as number[] } }
));
for (let round = -1; round < ROUNDS; round++) {
  for (const { caller, us } of rounds) {
    const a = await measure(ours, caller);
    const b = await measure(theirs, caller);
    // The first round is a warm-up.
    if (round < 0) continue;
    us.ours.push(a);
    us.theirs.push(b);
    us.ratio.push(b / a);
  }
}
for (const { name, us } of rounds) {
  const [a, b, ratio] = [us.ours, us.theirs, us.ratio].map((all) => median(all).toFixed(2));
  console.log(`${name.padEnd(12)} ours ${a} µs, the SDK's tracer ${b} µs, ratio ${ratio}`);
}
console.log(`the last header: ${last}`);
process.exitCode = lost === 0 ? 0 : 1;
