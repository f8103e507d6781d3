import { asc, eq, sql } from "drizzle-orm";
import { orderItems, orders, stocks } from "../../drizzle/loms/schema.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type { OrderReader } from "../domain/deps.ts";

const ORDER_INFO = { name: "order_info", kind: "select" } as const;
const STOCKS_INFO = { name: "stocks_info", kind: "select" } as const;

/** The reads on one server. Without `timeoutMs` they may take what the context allows. */
export class OrderReads implements OrderReader {
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #orderInfo: ReturnType<typeof prepareOrderInfo>;
  readonly #stocksInfo: ReturnType<typeof prepareStocksInfo>;

  constructor(pool: Pool, timeoutMs = Infinity) {
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
    this.#orderInfo = prepareOrderInfo(pool);
    this.#stocksInfo = prepareStocksInfo(pool);
  }

  async orderInfo(orderId: bigint, context: RequestContext) {
    const send = () => this.#orderInfo.execute({ orderId });
    const rows = await this.#pool.perform(ORDER_INFO, send, context, {
      timeoutMs: this.#timeoutMs,
    });
    const [first] = rows;
    if (!first) return undefined;
    const items = rows.map(({ sku, count }) => ({ sku, count }));
    return { orderId, userId: first.userId, status: first.status, items };
  }

  async stocksInfo(sku: number, context: RequestContext) {
    const send = () => this.#stocksInfo.execute({ sku });
    const rows = await this.#pool.perform(STOCKS_INFO, send, context, {
      timeoutMs: this.#timeoutMs,
    });
    return rows[0];
  }
}

// One statement, so one moment: the order and its items cannot be of different times.
function prepareOrderInfo({ db }: Pool) {
  return db
    .select({
      userId: orders.userId,
      status: orders.status,
      sku: orderItems.sku,
      count: orderItems.count,
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
