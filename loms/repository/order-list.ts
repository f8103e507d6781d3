import { INT64_MAX } from "../../proto/loms/v1/schemas.ts";
import type { OrderStatus } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type { OrderItem, OrderListInput, OrderPage, OrderPages } from "../domain/deps.ts";
import { toOrderItem } from "./order-item.ts";
import { ORDER_LIST, ORDER_LIST_ITEMS } from "./read-statements.ts";
import type { ReadRouting } from "./read-routing.ts";

/**
 * Orders of a user that one page reads to find those of its statuses: some 20 ms. A page that ends
 * there is short, or even empty, and another one follows.
 */
const SCANNED_MAX = 10_000;

/** Pages of a user's orders, from where the routing sends each read. */
export function createOrderPages(routing: ReadRouting): OrderPages {
  const read = routing.over((pool, timeoutMs) => new OrderListReads(pool, timeoutMs));
  return {
    orderList: (input, context) => read((reads) => reads.orderList(input, context), context),
  };
}

/** The reads on one server, within the deadline of the context, or `timeoutMs`. */
export class OrderListReads implements OrderPages {
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #scannedMax: number;

  constructor(pool: Pool, timeoutMs = Infinity, scannedMax = SCANNED_MAX) {
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
    this.#scannedMax = scannedMax;
  }

  async orderList(input: OrderListInput, context: RequestContext): Promise<OrderPage> {
    const { userId, statuses, pageSize, before = INT64_MAX } = input;
    const parameters = [userId, before, statuses, this.#scannedMax, pageSize + 1] as const;
    const timeoutMs = this.#timeoutMs;
    const rows = await this.#pool.run(ORDER_LIST, parameters, context, { timeoutMs });
    const found = rows.slice(0, pageSize).filter(({ wanted }) => wanted);
    const isMore = rows.length > pageSize || rows.at(-1)?.last === true;
    const next = isMore ? rows.at(Math.min(rows.length, pageSize) - 1)?.order_id : undefined;
    const items = await this.#itemsOf(found.map(({ order_id }) => order_id), context);
    const orders = found.map(({ order_id: orderId, status, created_at: createdAt }) => ({
      ...{ orderId, status: status as OrderStatus, createdAt },
      items: items.get(orderId) ?? [],
    }));
    return { orders, next };
  }

  /** Items do not change, so a statement of its own reads the same ones. */
  async #itemsOf(
    orderIds: readonly bigint[],
    context: RequestContext,
  ): Promise<Map<bigint, OrderItem[]>> {
    const items = new Map(orderIds.map((orderId): [bigint, OrderItem[]] => [orderId, []]));
    if (orderIds.length === 0) return items;
    const timeoutMs = this.#timeoutMs;
    const rows = await this.#pool.run(ORDER_LIST_ITEMS, [orderIds], context, { timeoutMs });
    for (const row of rows) items.get(row.order_id)?.push(toOrderItem(row));
    return items;
  }
}
