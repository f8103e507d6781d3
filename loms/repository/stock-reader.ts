import type { StockMovementKind } from "../../proto/stock-api.ts";
import type { SkuStock } from "../domain/deps.ts";
import type { StockReader } from "../domain/stock-deps.ts";
import type { RowOf, StatementRunner } from "../../shared/postgres/statement.ts";
import { STOCK_LIST, STOCK_MOVEMENTS } from "./stock-statements.ts";

/** The stock and its ledger; the routing chooses the server of each read. */
export function createStockReader(routing: StatementRunner): StockReader {
  return {
    async stockList(after, limit, context) {
      const rows = await routing.run(STOCK_LIST, [after, limit], context);
      return rows.map(toSkuStock);
    },
    async stockMovements({ sku, after, limit }, context) {
      const rows = await routing.run(STOCK_MOVEMENTS, [sku, after, limit], context);
      return rows.map((row) => ({ ...row, sku, kind: row.kind as StockMovementKind }));
    },
  };
}

export type StockRow = RowOf<typeof STOCK_LIST.columns>;

export function toSkuStock({ sku, total_count: totalCount, reserved }: StockRow): SkuStock {
  return { sku: Number(sku), totalCount, reserved };
}
