import { childTraceparent, isSampled, type SpanRecord, type Tracing } from "../tracing.ts";

/** Tracing that keeps its spans, for tests; new traces are sampled. */
export function rememberedTracing(): Tracing & { readonly spans: SpanRecord[] } {
  const spans: SpanRecord[] = [];
  return {
    spans,
    startTraceparent: (parent) => childTraceparent(parent, true),
    isSampled,
    record: (span) => void spans.push(span),
  };
}
