import { BATCH_BUCKETS, DURATION_BUCKETS, histogramFamily, type Metrics } from "./metrics.ts";

export const BATCHER_BATCH_ITEMS = histogramFamily({
  name: "batcher_batch_items",
  help: "Requests that shared one statement or call",
  labels: ["batcher"],
  buckets: BATCH_BUCKETS,
});

export const BATCHER_WAIT_SECONDS = histogramFamily({
  name: "batcher_wait_seconds",
  help: "Waits of such requests for their batch to begin",
  labels: ["batcher"],
  buckets: DURATION_BUCKETS,
});

/** Measures the batches of the batcher of that name, for its `onBatch`. */
export function batcherMetrics(
  metrics: Metrics,
  batcher: string,
): (waitedMs: readonly number[]) => void {
  // Bound once: looking the labels up costs more than counting.
  const sizes = metrics.histogram(BATCHER_BATCH_ITEMS).labels(batcher);
  const waits = metrics.histogram(BATCHER_WAIT_SECONDS).labels(batcher);
  return (waitedMs) => {
    sizes.observe(waitedMs.length);
    for (const each of waitedMs) waits.observe(each / 1000);
  };
}
