import type { StockMovementKind } from "../../proto/stock-api.ts";
import type { SkuStock } from "../domain/deps.ts";
import type { StockReader } from "../domain/stock-deps.ts";
import type { StatementRunner } from "../../shared/postgres/statement.ts";
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
      return rows.map(({ kind, total_count: totalCount, sku: of, ...row }) => (
        { ...row, sku: Number(of), kind: kind as StockMovementKind, totalCount }
      ));
    },
  };
}

export function toSkuStock({ sku, total_count: totalCount, reserved }: {
  readonly sku: bigint;
  readonly total_count: bigint;
  readonly reserved: bigint;
}): SkuStock {
  return { sku: Number(sku), totalCount, reserved };
}
