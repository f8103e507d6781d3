import type { RequestContext } from "../../shared/async/request-context.ts";
import type { RowOf } from "../../shared/postgres/statement.ts";
import { batcherMetrics, groupedCalls } from "../../shared/telemetry/grouped-calls.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { Order, OrderItem, OrderReader, SkuStock } from "../domain/deps.ts";
import type { EndReason, OrderStatus } from "../../proto/order-status.ts";
import { toOrderItem } from "./order-item.ts";
import type { Reads } from "./read-routing.ts";
import { ORDER_INFO, STOCKS_INFO } from "./read-statements.ts";
import { toSkuStock } from "./stock-reader.ts";

/**
 * Orders or SKUs in one statement. Half of a usual load: while one half is being read, the other is
 * being answered. A larger limit makes callers that wait for each other's batch go in step.
 */
const BATCH_MAX = 32;
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
    read: (keys: readonly Key[], context: RequestContext) => Promise<ReadonlyMap<Key, Value>>,
  ) {
    return groupedCalls<Key, Value | undefined>({
      batchMax: BATCH_MAX,
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
      (orderIds: readonly bigint[], context) => sets.orderInfo(orderIds, context),
    ),
    stocksInfo: grouped("stocks_info", async (skus: readonly number[], context) => {
      const stocks = await sets.stocksInfo(skus, context);
      return new Map(stocks.map((stock) => [stock.sku, stock]));
    }),
    stocksInfoList: (skus, context) => sets.stocksInfo(skus, context),
  };
}

/** Reads sets of orders and stock. Each set is of one moment. */
export interface OrderSetReader {
  /** Without those that do not exist. */
  orderInfo(
    orderIds: readonly bigint[],
    context: RequestContext,
  ): Promise<ReadonlyMap<bigint, Order>>;
  /** Ascending by SKU; SKUs without a stock row are left out. */
  stocksInfo(skus: readonly number[], context: RequestContext): Promise<readonly SkuStock[]>;
}

/** Orders and stock, from where the routing sends each set. */
export function createOrderSetReader(routing: Reads): OrderSetReader {
  return {
    async orderInfo(orderIds, context) {
      const rows = await routing.read(
        (server) => server.run(ORDER_INFO, [orderIds], context),
        context,
      );
      const found = new Map<bigint, Order & { readonly items: OrderItem[] }>();
      for (const row of rows) {
        let order = found.get(row.order_id);
        if (!order) found.set(row.order_id, order = toOrder(row));
        order.items.push(toOrderItem(row));
      }
      return found;
    },
    async stocksInfo(skus, context) {
      const rows = await routing.read(
        (server) => server.run(STOCKS_INFO, [skus], context),
        context,
      );
      return rows.map(toSkuStock);
    },
  };
}

type OrderRow = RowOf<typeof ORDER_INFO.columns>;

function toOrder({ order_id: orderId, user_id: userId, status, reason }: OrderRow) {
  return {
    ...{ orderId, userId, status: status as OrderStatus, items: [] },
    ...(reason !== null && { reason: reason as EndReason }),
  };
}
