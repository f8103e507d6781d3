import type { DurableRunner, RowOf } from "../../shared/postgres/statement.ts";
import type { RefusedLine, StockChangeOutcome, StockWriter } from "../domain/stock-deps.ts";
import { type StockRow, toSkuStock } from "./stock-reader.ts";
import { STOCK_CHANGE } from "./stock-statements.ts";

type Row = RowOf<typeof STOCK_CHANGE.columns>;

/** Changes of stock in PostgreSQL, one statement each; `pool` is of the primary. */
export function createStockWriter(pool: DurableRunner): StockWriter {
  return {
    async stockChange({ kind, lines, reason, reference }, context) {
      const ascending = lines.toSorted((a, b) => a.sku - b.sku);
      const parameters = [
        reference,
        kind,
        reason,
        ascending.map(({ sku }) => sku),
        ascending.map(({ count }) => count),
        context.traceparent,
      ] as const;
      return toOutcome(await pool.run(STOCK_CHANGE, parameters, context));
    },
  };
}

function toOutcome(rows: readonly Row[]): StockChangeOutcome {
  const kind = rows[0]?.kind;
  switch (kind) {
    case "reference_reused":
      return { kind };
    case "changed":
      return { kind, lines: rows.map((row) => toSkuStock(row as StockRow)) };
    case "below_reserved":
    case "above_maximum":
      return { kind: "refused", lines: rows.map(toRefusedLine) };
    default:
      throw new Error(`stock_change answered "${kind}"`);
  }
}

function toRefusedLine(row: Row): RefusedLine {
  return { rule: row.kind as RefusedLine["rule"], ...toSkuStock(row as StockRow) };
}
