import type { Metrics } from "./metrics.ts";

/** Measures the batches of the batcher of that name, for its `onBatch`. */
export function batcherMetrics(
  metrics: Metrics,
  batcher: string,
): (waitedMs: readonly number[]) => void {
  const sizes = metrics.histogram("batcher_batch_items");
  const waits = metrics.histogram("batcher_wait_seconds");
  return (waitedMs) => {
    sizes.observe({ batcher }, waitedMs.length);
    for (const each of waitedMs) waits.observe({ batcher }, each / 1000);
  };
}
