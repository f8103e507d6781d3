import type { EndReason, OrderStatus } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { RowOf, StatementRunner } from "../../shared/postgres/statement.ts";
import { batcherMetrics, groupedCalls } from "../../shared/telemetry/batcher.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { Order, OrderItem, OrderReader, SkuStock } from "../domain/deps.ts";
import { toOrderItem } from "./order-item.ts";
import { ORDER_INFO, STOCKS_INFO } from "./read-statements.ts";
import { toSkuStock } from "./stock-reader.ts";

/** shared/telemetry/batcher.ts describes how these relate. */
const GROUP_LIMITS = {
  /**
   * Half of a usual load: while one half is read, the other is answered. With a larger limit,
   * callers that wait for each other's batch run in lockstep.
   */
  batchMax: 32,
  /** Queued calls of each kind. A longer queue would take seconds. */
  waitingMax: 5_000,
  /** Statements of each kind. A third gains nothing. */
  batchesMax: 2,
  /** After this time the server counts as not answering. */
  stalledAfterMs: 100,
  stalledMax: 2,
  graceMs: 100,
};

/**
 * Reads single orders and SKUs; calls that arrive together share one statement of `sets`. A
 * statement starts after all of its calls, so a read sees every write acknowledged before it.
 */
export function createGroupedReader(
  sets: OrderSetReader,
  metrics: Metrics,
  { batchesMax = GROUP_LIMITS.batchesMax } = {},
): OrderReader {
  function grouped<Key, Value>(
    name: string,
    read: (keys: readonly Key[], context: RequestContext) => Promise<ReadonlyMap<Key, Value>>,
  ) {
    return groupedCalls<Key, Value | undefined>({
      ...GROUP_LIMITS,
      batchesMax,
      onBatch: batcherMetrics(metrics, name),
      async run(keys, context) {
        const found = await read(keys, context);
        return keys.map((key) => found.get(key));
      },
    });
  }

  return {
    orderInfo: grouped("order_info", sets.orderInfo),
    stocksInfo: grouped("stocks_info", async (skus: readonly number[], context) => {
      const stocks = await sets.stocksInfo(skus, context);
      return new Map(stocks.map((stock) => [stock.sku, stock]));
    }),
    stocksInfoList: sets.stocksInfo,
  };
}

/** Reads sets of orders and stock. Each set is consistent. */
export interface OrderSetReader {
  /** Unknown orders are omitted. */
  orderInfo(
    orderIds: readonly bigint[],
    context: RequestContext,
  ): Promise<ReadonlyMap<bigint, Order>>;
  /** Ascending by SKU; SKUs without a stock row are omitted. */
  stocksInfo(skus: readonly number[], context: RequestContext): Promise<readonly SkuStock[]>;
}

/** Orders and stock; the routing chooses the server of each set. */
export function createOrderSetReader(routing: StatementRunner): OrderSetReader {
  return {
    async orderInfo(orderIds, context) {
      const rows = await routing.run(ORDER_INFO, [orderIds], context);
      const found = new Map<bigint, Order & { readonly items: OrderItem[] }>();
      for (const row of rows) {
        let order = found.get(row.order_id);
        if (!order) found.set(row.order_id, order = toOrder(row));
        order.items.push(toOrderItem(row));
      }
      return found;
    },
    async stocksInfo(skus, context) {
      const rows = await routing.run(STOCKS_INFO, [skus], context);
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
