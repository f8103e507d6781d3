import type { RequestContext } from "../../shared/async/request-context.ts";
import { batcherMetrics } from "../../shared/telemetry/batcher-metrics.ts";
import { groupedCalls } from "../../shared/telemetry/grouped-calls.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { OrderReader } from "../domain/deps.ts";
import type { OrderSetReader } from "./reader.ts";

/** Orders in one statement: it may have to read a thousand lines of each. */
const ORDERS_MAX = 100;
const SKUS_MAX = 1_000;
/** Calls of each kind that may wait: more would wait for seconds. */
const WAITING_MAX = 5_000;
/** Statements of each kind at once. A third gains nothing. */
const BATCHES_MAX = 2;
/** One that takes this long waits for a server that does not answer. */
const STALLED_AFTER_MS = 100;
/** So many stalled ones do not stop the next from starting. */
const STALLED_MAX = 2;
/** How much longer a statement may take than its callers wait, who have answers by then. */
const GRACE_MS = 100;

/**
 * Reads single orders and SKUs, calls that arrive together in one statement of `sets`. A
 * statement begins after each of its calls, so a read sees every write that was answered before.
 */
export function createGroupedReader(
  sets: OrderSetReader,
  metrics: Metrics,
  { batchesMax = BATCHES_MAX } = {},
): OrderReader {
  function grouped<Key, Value>(
    name: string,
    batchMax: number,
    read: (keys: readonly Key[], context: RequestContext) => Promise<ReadonlyMap<Key, Value>>,
  ) {
    return groupedCalls<Key, Value | undefined>({
      batchMax,
      waitingMax: WAITING_MAX,
      batchesMax,
      stalledAfterMs: STALLED_AFTER_MS,
      stalledMax: STALLED_MAX,
      graceMs: GRACE_MS,
      onBatch: batcherMetrics(metrics, name),
      async run(keys, context) {
        const found = await read(keys, context);
        return keys.map((key) => found.get(key));
      },
    });
  }

  return {
    orderInfo: grouped(
      "order_info",
      ORDERS_MAX,
      (orderIds: readonly bigint[], context) => sets.orderInfo(orderIds, context),
    ),
    stocksInfo: grouped("stocks_info", SKUS_MAX, async (skus: readonly number[], context) => {
      const stocks = await sets.stocksInfo(skus, context);
      return new Map(stocks.map((stock) => [stock.sku, stock]));
    }),
    stocksInfoList: (skus, context) => sets.stocksInfo(skus, context),
  };
}
