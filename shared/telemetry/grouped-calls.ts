import { Batcher, type BatcherOptions } from "../async/batcher.ts";
import type { RequestContext } from "../async/request-context.ts";
import { serveTogether } from "./tracing.ts";

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
