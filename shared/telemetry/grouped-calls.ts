import { Batcher, type BatcherOptions } from "../async/batcher.ts";
import type { RequestContext } from "../async/request-context.ts";
import { BATCH_BUCKETS, DURATION_BUCKETS, histogramFamily, type Metrics } from "./metrics.ts";
import { serveTogether } from "./tracing.ts";

// How the limits of grouped calls relate:
//
//   batchesMax      batches that may run concurrently; further calls wait for one of them to end
//   stalledAfterMs  a batch that takes this long no longer counts in batchesMax. So a batch that
//                   waits for a lock, or for a server that does not answer, delays the others by
//                   this time only. It is far longer than a usual batch takes
//   stalledMax      while more than this many batches are stalled, none starts. So at most
//                   batchesMax + stalledMax are in progress. In loms each occupies a connection of
//                   a pool of 10: the three kinds of writes 3 * (1 + 2), the two kinds of reads
//                   2 * (2 + 2)
//   graceMs         a batch ends this long after the latest deadline of its callers, who have
//                   answers by then. So a batch ends by its own deadline only if none waits for it

export const BATCHER_BATCH_ITEMS = histogramFamily({
  name: "batcher_batch_items",
  help: "Requests in one batch",
  labels: ["batcher"],
  buckets: BATCH_BUCKETS,
});

export const BATCHER_WAIT_SECONDS = histogramFamily({
  name: "batcher_wait_seconds",
  help: "Time that requests wait for their batch to start",
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

type Limits<Item, Answer> = Omit<
  BatcherOptions<Item, Answer>,
  "run" | "callerOf" | "weightOf" | "clock" | "later"
>;

export interface GroupedCallsOptions<Item, Answer> extends Limits<Item, Answer> {
  /** How much longer a batch may take than its callers wait, who have answers by then, in ms. */
  readonly graceMs?: number;
  readonly weightOf?: (item: Item) => number;
  /** As {@link BatcherOptions.run}; the context serves all callers of the batch. */
  readonly run: (items: readonly Item[], context: RequestContext) => Promise<readonly Answer[]>;
}

interface Call<Item> {
  readonly item: Item;
  readonly context: RequestContext;
}

/**
 * A function that answers one call, and groups calls that arrive together into batches, as
 * {@link Batcher} does. A call that waits ends at its caller's deadline.
 */
export function groupedCalls<Item, Answer>(
  options: GroupedCallsOptions<Item, Answer>,
): (item: Item, context: RequestContext) => Promise<Answer> {
  const { run, weightOf = () => 0, graceMs, ...limits } = options;
  const batcher = new Batcher<Call<Item>, Answer>({
    ...limits,
    weightOf: ({ item }) => weightOf(item),
    callerOf: ({ context }) => context,
    async run(calls) {
      const contexts = calls.map((call) => call.context);
      const context = serveTogether(contexts, graceMs);
      try {
        return await run(calls.map(({ item }) => item), context);
      } finally {
        // A lone call's context may be its caller's.
        if (context !== contexts[0]) context.close();
      }
    },
  });
  return (item, context) => batcher.ask({ item, context });
}
