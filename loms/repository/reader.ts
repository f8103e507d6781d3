import { asc, eq, sql } from "drizzle-orm";
import { orderItems, orders, stocks } from "../../drizzle/loms/schema.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type { OrderReader } from "../domain/deps.ts";
import type { ReadRouting } from "./read-routing.ts";

const ORDER_INFO = { name: "order_info", kind: "select" } as const;
const STOCKS_INFO = { name: "stocks_info", kind: "select" } as const;
const STOCKS_INFO_LIST = { name: "stocks_info_list", kind: "select" } as const;

/** Orders and stock, from where the routing sends each read. */
export function createOrderReader(routing: ReadRouting): OrderReader {
  const read = routing.over((pool, timeoutMs) => new OrderReads(pool, timeoutMs));
  return {
    orderInfo: (orderId, context) => read((reads) => reads.orderInfo(orderId, context), context),
    stocksInfo: (sku, context) => read((reads) => reads.stocksInfo(sku, context), context),
    stocksInfoList: (skus, context) =>
      read((reads) => reads.stocksInfoList(skus, context), context),
  };
}

/** The reads on one server, within the deadline of the context, or `timeoutMs`. */
export class OrderReads implements OrderReader {
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #orderInfo: ReturnType<typeof prepareOrderInfo>;
  readonly #stocksInfo: ReturnType<typeof prepareStocksInfo>;
  readonly #stocksInfoList: ReturnType<typeof prepareStocksInfoList>;

  constructor(pool: Pool, timeoutMs = Infinity) {
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
    this.#orderInfo = prepareOrderInfo(pool);
    this.#stocksInfo = prepareStocksInfo(pool);
    this.#stocksInfoList = prepareStocksInfoList(pool);
  }

  async orderInfo(orderId: bigint, context: RequestContext) {
    const send = () => this.#orderInfo.execute({ orderId });
    const rows = await this.#pool.perform(ORDER_INFO, send, context, {
      timeoutMs: this.#timeoutMs,
    });
    const [first] = rows;
    if (!first) return undefined;
    const { userId, status, reason } = first;
    const items = rows.map(({ sku, count, price }) => (
      price === null ? { sku, count } : { sku, count, price }
    ));
    return { orderId, userId, status, items, ...(reason !== null && { reason }) };
  }

  async stocksInfo(sku: number, context: RequestContext) {
    const send = () => this.#stocksInfo.execute({ sku });
    const rows = await this.#pool.perform(STOCKS_INFO, send, context, {
      timeoutMs: this.#timeoutMs,
    });
    return rows[0];
  }

  async stocksInfoList(skus: readonly number[], context: RequestContext) {
    const send = () => this.#stocksInfoList.execute({ skus: `{${skus.join(",")}}` });
    return await this.#pool.perform(STOCKS_INFO_LIST, send, context, {
      timeoutMs: this.#timeoutMs,
    });
  }
}

// One statement, so one snapshot: the order and its items are of the same moment.
function prepareOrderInfo({ db }: Pool) {
  return db
    .select({
      userId: orders.userId,
      status: orders.status,
      reason: orders.reason,
      sku: orderItems.sku,
      count: orderItems.count,
      price: orderItems.price,
    })
    .from(orders)
    .innerJoin(orderItems, eq(orderItems.orderId, orders.orderId))
    .where(eq(orders.orderId, sql.placeholder("orderId")))
    .orderBy(asc(orderItems.sku))
    .prepare(ORDER_INFO.name);
}

function prepareStocksInfo({ db }: Pool) {
  return db
    .select({ totalCount: stocks.totalCount, reserved: stocks.reserved })
    .from(stocks)
    .where(eq(stocks.sku, sql.placeholder("sku")))
    .prepare(STOCKS_INFO.name);
}

function prepareStocksInfoList({ db }: Pool) {
  return db
    .select({ sku: stocks.sku, totalCount: stocks.totalCount, reserved: stocks.reserved })
    .from(stocks)
    .where(sql`${stocks.sku} = any(${sql.placeholder("skus")}::bigint[])`)
    .orderBy(asc(stocks.sku))
    .prepare(STOCKS_INFO_LIST.name);
}
