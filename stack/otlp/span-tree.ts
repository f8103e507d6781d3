import type { ReceivedSpan } from "./read-spans.ts";

export interface SpanNode {
  readonly span: ReceivedSpan;
  /** Ordered by start. */
  readonly children: readonly SpanNode[];
}

/** The spans of one trace as trees; with several roots, the trace has a gap. */
export function spanTrees(spans: readonly ReceivedSpan[]): SpanNode[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const below = Map.groupBy(spans, ({ parentId }) => known.has(parentId) ? parentId : "");
  const nodesOf = (parentId: string): SpanNode[] =>
    (below.get(parentId) ?? [])
      .toSorted((a, b) => a.startNs === b.startNs ? 0 : a.startNs < b.startNs ? -1 : 1)
      .map((span) => ({ span, children: nodesOf(span.spanId) }));
  return nodesOf("");
}

/** The spans of trees, depth first, with their distance from the root. */
export function depthFirst(
  trees: readonly SpanNode[],
  depth = 0,
): { readonly span: ReceivedSpan; readonly depth: number }[] {
  return trees.flatMap(({ span, children }) => [
    { span, depth },
    ...depthFirst(children, depth + 1),
  ]);
}

export function milliseconds(ns: bigint): number {
  return Number(ns) / 1e6;
}
