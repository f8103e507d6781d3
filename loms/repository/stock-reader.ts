import { and, asc, eq, gt, sql } from "drizzle-orm";
import { stockMovements, stocks } from "../../drizzle/loms/schema.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type { StockReader } from "../domain/stock-deps.ts";
import type { ReadRouting } from "./read-routing.ts";

const STOCK_LIST = { name: "stock_list", kind: "select" } as const;
const STOCK_MOVEMENTS = { name: "stock_movements", kind: "select" } as const;

/** The stock and its ledger, from where the routing sends each read. */
export function createStockReader(routing: ReadRouting): StockReader {
  const read = routing.over((pool, timeoutMs) => new StockReads(pool, timeoutMs));
  return {
    stockList: (after, limit, context) =>
      read((reads) => reads.stockList(after, limit, context), context),
    stockMovements: (page, context) =>
      read((reads) => reads.stockMovements(page, context), context),
  };
}

/** The reads on one server, within the deadline of the context, or `timeoutMs`. */
class StockReads implements StockReader {
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #stockList: ReturnType<typeof prepareStockList>;
  readonly #stockMovements: ReturnType<typeof prepareStockMovements>;

  constructor(pool: Pool, timeoutMs: number) {
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
    this.#stockList = prepareStockList(pool);
    this.#stockMovements = prepareStockMovements(pool);
  }

  async stockList(after: number, limit: number, context: RequestContext) {
    const send = () => this.#stockList.execute({ after, limit });
    return await this.#pool.perform(STOCK_LIST, send, context, { timeoutMs: this.#timeoutMs });
  }

  async stockMovements(
    page: Parameters<StockReader["stockMovements"]>[0],
    context: RequestContext,
  ) {
    const send = () => this.#stockMovements.execute({ ...page });
    return await this.#pool.perform(STOCK_MOVEMENTS, send, context, {
      timeoutMs: this.#timeoutMs,
    });
  }
}

function prepareStockList({ db }: Pool) {
  return db
    .select({ sku: stocks.sku, totalCount: stocks.totalCount, reserved: stocks.reserved })
    .from(stocks)
    .where(gt(stocks.sku, sql.placeholder("after")))
    .orderBy(asc(stocks.sku))
    .limit(sql.placeholder("limit"))
    .prepare(STOCK_LIST.name);
}

function prepareStockMovements({ db }: Pool) {
  return db
    .select({
      id: stockMovements.id,
      sku: stockMovements.sku,
      kind: stockMovements.kind,
      count: stockMovements.count,
      totalCount: stockMovements.totalCount,
      reason: stockMovements.reason,
      reference: stockMovements.reference,
      at: sql<string>`
        to_char(${stockMovements.at} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
    })
    .from(stockMovements)
    .where(and(
      eq(stockMovements.sku, sql.placeholder("sku")),
      gt(stockMovements.id, sql.placeholder("after")),
    ))
    .orderBy(asc(stockMovements.id))
    .limit(sql.placeholder("limit"))
    .prepare(STOCK_MOVEMENTS.name);
}
