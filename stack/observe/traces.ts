import type { ReceivedSpan } from "../otlp/read-spans.ts";
import { depthFirst, milliseconds, spanTrees } from "../otlp/span-tree.ts";

/** A purchase with its payment has about 40 spans of 1 KB each. */
const TRACES_MAX = 500;
/** Maximum number of spans of a trace. */
const SPANS_IN_TRACE_MAX = 2_000;
/** Maximum number of spans of all traces, some 50 MB. */
const SPANS_MAX = 50_000;

export interface TraceSummary {
  readonly traceId: string;
  /** The name of its root span, once it has arrived. */
  readonly name: string;
  /** In order of appearance. */
  readonly services: readonly string[];
  readonly startMs: number;
  readonly durationMs: number;
  readonly spans: number;
  readonly failed: boolean;
}

type Shown = "spanId" | "service" | "name" | "kind" | "failed" | "attributes" | "events" | "links";

/** A span for the page; `depth` is its distance from the root. */
export interface TraceRow extends Pick<ReceivedSpan, Shown> {
  readonly depth: number;
  /** In ms since the start of the trace. */
  readonly startMs: number;
  readonly durationMs: number;
}

/** The latest traces, built from spans as they arrive. */
export class Traces {
  /** In the order of their first spans. */
  readonly #byId = new Map<string, ReceivedSpan[]>();
  #spans = 0;

  add(spans: readonly ReceivedSpan[]): void {
    for (const span of spans) {
      const known = this.#byId.get(span.traceId) ?? [];
      if (known.length === SPANS_IN_TRACE_MAX) continue;
      if (known.length === 0) this.#byId.set(span.traceId, known);
      known.push(span);
      this.#spans++;
      while (this.#byId.size > TRACES_MAX || this.#spans > SPANS_MAX) this.#forgetOldest();
    }
  }

  /**
   * The latest first; filtered by `find`: every word must be in the name, service, id or failure.
   */
  latest(max: number, find = ""): TraceSummary[] {
    const words = find.toLowerCase().split(/\s+/);
    const found: TraceSummary[] = [];
    for (const spans of [...this.#byId.values()].reverse()) {
      if (found.length === max) break;
      const summary = summarize(spans);
      const { name, traceId, services, failed } = summary;
      const text = `${name} ${traceId} ${services.join(" ")} ${failed ? "failed" : ""}`;
      if (words.every((word) => text.toLowerCase().includes(word))) found.push(summary);
    }
    return found;
  }

  /** Depth first, ordered by start; undefined if the trace is unknown. */
  rows(traceId: string): TraceRow[] | undefined {
    const spans = this.#byId.get(traceId);
    if (!spans) return undefined;
    const begin = first(spans);
    return depthFirst(spanTrees(spans)).map(({ span, depth }) => {
      const { spanId, service, name, kind, failed, attributes, events, links } = span;
      return {
        ...{ spanId, depth, service, name, kind, failed, attributes, events, links },
        startMs: milliseconds(span.startNs - begin),
        durationMs: milliseconds(span.endNs - span.startNs),
      };
    });
  }

  #forgetOldest(): void {
    const [oldest = ""] = this.#byId.keys();
    this.#spans -= this.#byId.get(oldest)?.length ?? 0;
    this.#byId.delete(oldest);
  }
}

function summarize(spans: readonly ReceivedSpan[]): TraceSummary {
  const begin = first(spans);
  const end = spans.reduce((last, { endNs }) => endNs > last ? endNs : last, begin);
  const sorted = spans.toSorted((a, b) => Number(a.startNs - b.startNs));
  const root = spanTrees(spans)[0]?.span;
  return {
    traceId: root?.traceId ?? "",
    name: root?.name ?? "",
    services: [...new Set(sorted.map(({ service }) => service))],
    startMs: milliseconds(begin),
    durationMs: milliseconds(end - begin),
    spans: spans.length,
    failed: spans.some(({ failed }) => failed),
  };
}

function first(spans: readonly ReceivedSpan[]): bigint {
  return spans.map(({ startNs }) => startNs).reduce((a, b) => b < a ? b : a);
}
