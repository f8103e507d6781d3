import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type { RowOf } from "../../shared/postgres/statement.ts";
import type { SkuStock } from "../domain/deps.ts";
import type { Order, OrderItem } from "../domain/order.ts";
import type { EndReason, OrderStatus } from "../../proto/order-status.ts";
import { toOrderItem } from "./order-item.ts";
import type { ReadRouting } from "./read-routing.ts";
import { ORDER_INFO, STOCKS_INFO } from "./read-statements.ts";

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
export function createOrderSetReader(routing: ReadRouting): OrderSetReader {
  const read = routing.over((pool, timeoutMs) => new OrderReads(pool, timeoutMs));
  return {
    orderInfo: (orderIds, context) => read((reads) => reads.orderInfo(orderIds, context), context),
    stocksInfo: (skus, context) => read((reads) => reads.stocksInfo(skus, context), context),
  };
}

/** The reads on one server, within the deadline of the context, or `timeoutMs`. */
export class OrderReads implements OrderSetReader {
  readonly #pool: Pool;
  readonly #timeoutMs: number;

  constructor(pool: Pool, timeoutMs = Infinity) {
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
  }

  async orderInfo(orderIds: readonly bigint[], context: RequestContext) {
    const timeoutMs = this.#timeoutMs;
    const rows = await this.#pool.run(ORDER_INFO, [orderIds], context, { timeoutMs });
    const found = new Map<bigint, Order & { readonly items: OrderItem[] }>();
    for (const row of rows) {
      let order = found.get(row.order_id);
      if (!order) found.set(row.order_id, order = toOrder(row));
      order.items.push(toOrderItem(row));
    }
    return found;
  }

  async stocksInfo(skus: readonly number[], context: RequestContext) {
    const timeoutMs = this.#timeoutMs;
    const rows = await this.#pool.run(STOCKS_INFO, [skus], context, { timeoutMs });
    return rows.map(({ sku, total_count: totalCount, reserved }) => (
      { sku: Number(sku), totalCount, reserved }
    ));
  }
}

type OrderRow = RowOf<typeof ORDER_INFO.columns>;

function toOrder({ order_id: orderId, user_id: userId, status, reason }: OrderRow) {
  return {
    ...{ orderId, userId, status: status as OrderStatus, items: [] },
    ...(reason !== null && { reason: reason as EndReason }),
  };
}
