import { Batcher, type BatcherOptions } from "../async/batcher.ts";
import type { RequestContext } from "../async/request-context.ts";
import { BATCH_BUCKETS, DURATION_BUCKETS, histogramFamily, type Metrics } from "./metrics.ts";
import { serveTogether } from "./tracing.ts";

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
