import type postgres from "postgres";
import type { Finding } from "./finding.ts";
import { textArray } from "./snapshot.ts";

/** A change of stock as it was acknowledged to an operator. */
export interface AcknowledgedChange {
  readonly reference: string;
  /** The totals of its lines, as `sku: total`, ascending by SKU. */
  readonly totals: string;
}

/** This server has the acknowledged changes, as they were answered. */
export async function checkAcknowledgedChanges(
  server: string,
  database: postgres.ISql,
  acknowledged: readonly AcknowledgedChange[],
): Promise<Finding> {
  const references = textArray(acknowledged.map(({ reference }) => reference));
  const rows = await database<AcknowledgedChange[]>`
    select reference, string_agg(sku || ': ' || total_count, ', ' order by sku) as totals
    from stock_changes, unnest(skus, total_counts) line (sku, total_count)
    where reference = any (${references}::text::text[])
    group by reference`;
  const stored = new Map(rows.map(({ reference, totals }) => [reference, totals]));
  return {
    invariant: `changes on ${server}`,
    checked: acknowledged.length,
    of: "changes that were reported",
    violations: acknowledged.flatMap(({ reference, totals }) => {
      const found = stored.get(reference);
      if (found === totals) return [];
      const now = found === undefined ? "is not there" : `is ${found}`;
      return [`${JSON.stringify(reference)} was answered ${totals} and ${now}`];
    }),
  };
}
