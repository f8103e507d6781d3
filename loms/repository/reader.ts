import { asc, eq, sql } from "drizzle-orm";
import { orderItems, orders, stocks } from "../../drizzle/loms/schema.ts";
import type { Clock } from "../../shared/async/clock.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import { isConnectionError } from "../../shared/postgres/database-error.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type { OrderReader } from "../domain/deps.ts";
import type { ListedReplicas, Replica } from "./listed-replicas.ts";
import { Replicas } from "./replicas.ts";

const ORDER_INFO = { name: "order_info", kind: "select" } as const;
const STOCKS_INFO = { name: "stocks_info", kind: "select" } as const;
const STOCKS_INFO_LIST = { name: "stocks_info_list", kind: "select" } as const;

/** A replica that does not answer leaves time for the primary. */
const REPLICA_READ_TIMEOUT_MS = 500;

export interface ReadableReplica extends Replica {
  readonly reads: OrderReads;
}

export interface OrderReaderOptions {
  readonly primary: Pool;
  /** Each with a name for the logs; none when every read goes to the primary. */
  readonly replicas: readonly Replica[];
  readonly listed: Pick<ListedReplicas, "look">;
  readonly clock: Clock;
  readonly onHealth: (replica: Replica, healthy: boolean) => void;
  /** Whether a healthy replica has every acknowledged write; while not, reads go to the primary. */
  readonly areCurrent?: () => boolean;
}

/**
 * Reads from the healthy replicas in turn, and from the primary while there is none. A read that
 * fails on a replica is repeated on the primary within the same deadline.
 */
export function createOrderReader(
  options: OrderReaderOptions,
): { readonly reader: OrderReader; readonly replicas: Replicas<ReadableReplica> } {
  const { primary, listed, clock, onHealth, areCurrent = () => true } = options;
  const primaryReads = new OrderReads(primary);
  const members = options.replicas.map((replica): ReadableReplica => ({
    ...replica,
    reads: new OrderReads(replica.pool, REPLICA_READ_TIMEOUT_MS),
  }));
  const replicas = new Replicas({ primary, members, listed, clock, onHealth });

  async function read<Result>(
    send: (reads: OrderReads) => Promise<Result>,
    context: RequestContext,
  ): Promise<Result> {
    const replica = areCurrent() ? replicas.next() : undefined;
    if (!replica) return await send(primaryReads);
    try {
      return await send(replica.reads);
    } catch (error) {
      if (!(error instanceof AppError) || context.remainingMs() === 0) throw error;
      if (isConnectionError(error) || error.code === "deadline_exceeded") replicas.fail(replica);
      return await send(primaryReads);
    }
  }

  const reader: OrderReader = {
    orderInfo: (orderId, context) => read((reads) => reads.orderInfo(orderId, context), context),
    stocksInfo: (sku, context) => read((reads) => reads.stocksInfo(sku, context), context),
    stocksInfoList: (skus, context) =>
      read((reads) => reads.stocksInfoList(skus, context), context),
  };
  return { reader, replicas };
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

function prepareStocksInfoList({ db }: Pool) {
  return db
    .select({ sku: stocks.sku, totalCount: stocks.totalCount, reserved: stocks.reserved })
    .from(stocks)
    .where(sql`${stocks.sku} = any(${sql.placeholder("skus")}::bigint[])`)
    .orderBy(asc(stocks.sku))
    .prepare(STOCKS_INFO_LIST.name);
}
