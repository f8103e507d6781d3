import seed from "../../drizzle/stock-data.json" with { type: "json" };
import { type Finding, VIOLATIONS_MAX } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

const SEEDED_RESERVED: ReadonlyMap<string, number> = new Map(
  seed.map(({ sku, reserved }) => [String(sku), reserved]),
);

/** Numbers as text. */
interface StockNow {
  readonly sku: string;
  /** Null without a stock row. */
  readonly total: string | null;
  readonly reserved: string;
  /** The sum of the movements. */
  readonly moved: string;
  /** Units in payed orders. */
  readonly sold: string;
  /** Units in orders that await payment. */
  readonly awaiting: string;
}

/**
 * The total is the sum of the movements less the sold units; reserved units belong to orders that
 * await payment.
 */
export async function checkStock(snapshot: Snapshot): Promise<Finding> {
  const rows = await snapshot<StockNow[]>`
    select sku::text, total_count::text as total, coalesce(reserved, 0)::text as reserved,
      coalesce(moved, 0)::text as moved, coalesce(sold, 0)::text as sold,
      coalesce(awaiting, 0)::text as awaiting
    from stocks
    full join (
      select sku, sum(count) as moved from stock_movements group by sku
    ) movement using (sku)
    full join (
      select sku, sum(count) filter (where status = 'payed') as sold,
        sum(count) filter (where status = 'awaiting payment') as awaiting
      from order_items join orders using (order_id)
      where status in ('payed', 'awaiting payment')
      group by sku
    ) ordered using (sku)
    order by stocks.sku, sku`;
  return {
    invariant: "stock",
    checked: rows.length,
    of: "SKUs",
    violations: rows.flatMap(violationsOf),
  };
}

function violationsOf({ sku, total, reserved, moved, sold, awaiting }: StockNow): string[] {
  if (total === null) {
    return [`sku ${sku} has no stock row: ${moved} moved, ${sold} sold, ${awaiting} await payment`];
  }
  const found: string[] = [];
  if (BigInt(total) !== BigInt(moved) - BigInt(sold)) {
    found.push(`sku ${sku}: total ${total} is not what was moved, ${moved}, − sold ${sold}`);
  }
  const seeded = SEEDED_RESERVED.get(sku) ?? 0;
  if (BigInt(reserved) - BigInt(awaiting) !== BigInt(seeded)) {
    found.push(
      `sku ${sku}: reserved ${reserved} − awaiting payment ${awaiting} is not the seeded ` +
        `reserved ${seeded}`,
    );
  }
  return found;
}

interface ChangeRow {
  readonly reference: string;
  /** The totals of the change and of its movements, as `sku: total`. */
  readonly answered: string | null;
  readonly moved: string | null;
}

/** Each change of stock has one movement per line, with the answered total. */
export async function checkStockChanges(snapshot: Snapshot): Promise<Finding> {
  const rows = await snapshot<ChangeRow[]>`
    select coalesce(change.reference, movement.reference) as reference,
      change.answered, movement.moved
    from (
      select reference, string_agg(sku || ': ' || total_count, ', ' order by sku) as answered
      from stock_changes, unnest(skus, total_counts) line (sku, total_count)
      group by reference
    ) change
    full join (
      select reference, string_agg(sku || ': ' || total_count, ', ' order by sku, id) as moved
      from stock_movements where kind <> 'opening'
      group by reference
    ) movement on movement.reference = change.reference
    where change.answered is distinct from movement.moved
    order by 1 limit ${VIOLATIONS_MAX}`;
  const [counted] = await snapshot<{ changes: number }[]>`
    select count(*)::float8 as changes from stock_changes`;
  return {
    invariant: "stock changes",
    checked: counted?.changes ?? 0,
    of: "changes",
    violations: rows.map(({ reference, answered, moved }) =>
      `${JSON.stringify(reference)} was answered ${answered ?? "nothing"} and moved ${
        moved ?? "nothing"
      }`
    ),
  };
}
