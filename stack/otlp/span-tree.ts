import type { ReceivedSpan } from "./read-spans.ts";

export interface SpanNode {
  readonly span: ReceivedSpan;
  /** By the time at which they began. */
  readonly children: readonly SpanNode[];
}

/** The spans of one trace as trees; more than one root means that the trace has a gap. */
export function spanTrees(spans: readonly ReceivedSpan[]): SpanNode[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const below = Map.groupBy(spans, ({ parentId }) => known.has(parentId) ? parentId : "");
  const nodesOf = (parentId: string): SpanNode[] =>
    (below.get(parentId) ?? [])
      .toSorted((a, b) => a.startNs === b.startNs ? 0 : a.startNs < b.startNs ? -1 : 1)
      .map((span) => ({ span, children: nodesOf(span.spanId) }));
  return nodesOf("");
}

/** A line for each span, children indented: service, name, how long it took and when it began. */
export function drawTrees(trees: readonly SpanNode[]): string[] {
  const first = trees[0]?.span.startNs ?? 0n;
  const lines = trees.flatMap((tree) => rows(tree, 0));
  const width = Math.max(...lines.map(({ label }) => label.length));
  return lines.map(({ label, span }) => {
    const [duration, begin] = [span.endNs - span.startNs, span.startNs - first].map(milliseconds);
    return `${label.padEnd(width)}  ${duration?.padStart(9)} ms  at ${begin?.padStart(9)} ms`;
  });
}

interface Row {
  readonly label: string;
  readonly span: ReceivedSpan;
}

function rows({ span, children }: SpanNode, depth: number): Row[] {
  const failed = span.failed ? " FAILED" : "";
  const label = `${"  ".repeat(depth)}${span.service.padEnd(8)} ${span.name}${failed}`;
  return [{ label, span }, ...children.flatMap((child) => rows(child, depth + 1))];
}

function milliseconds(ns: bigint): string {
  return (Number(ns) / 1e6).toFixed(3);
}
