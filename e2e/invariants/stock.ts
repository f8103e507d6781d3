import seed from "../../drizzle/stock-data.json" with { type: "json" };
import type { Finding } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

const SEEDED: ReadonlyMap<string, (typeof seed)[number]> = new Map(
  seed.map((row) => [String(row.sku), row]),
);

interface StockNow {
  readonly sku: string;
  readonly total: string;
  readonly reserved: string;
  /** In orders that are payed. */
  readonly sold: string;
  /** In orders that await payment. */
  readonly awaiting: string;
}

/**
 * What is left and what was sold is what there was; what is reserved belongs to an order that
 * waits.
 */
export async function checkStock(snapshot: Snapshot): Promise<Finding> {
  const rows = await snapshot<StockNow[]>`
    select stock.sku::text, total_count::text as total, reserved::text,
      coalesce(sold, 0)::text as sold, coalesce(awaiting, 0)::text as awaiting
    from stocks stock
    full join (
      select sku, sum(count) filter (where status = 'payed') as sold,
        sum(count) filter (where status = 'awaiting payment') as awaiting
      from order_items join orders using (order_id)
      where status in ('payed', 'awaiting payment')
      group by sku
    ) ordered on ordered.sku = stock.sku
    order by stock.sku`;
  const present = new Set(rows.map(({ sku }) => sku));
  const missing = [...SEEDED.keys()].filter((sku) => !present.has(sku));
  return {
    invariant: "stock",
    checked: rows.length,
    of: "SKUs",
    violations: [
      ...missing.map((sku) => `sku ${sku} was seeded and has no stock row`),
      ...rows.flatMap(violationsOf),
    ],
  };
}

function violationsOf({ sku, total, reserved, sold, awaiting }: StockNow): string[] {
  const seeded = SEEDED.get(sku);
  if (!seeded) return [`sku ${sku} was not seeded, and ${sold} sold, ${awaiting} await payment`];
  const found: string[] = [];
  if (BigInt(total) + BigInt(sold) !== BigInt(seeded.total_count)) {
    found.push(
      `sku ${sku}: total ${total} + sold ${sold} is not the seeded total ${seeded.total_count}`,
    );
  }
  if (BigInt(reserved) - BigInt(awaiting) !== BigInt(seeded.reserved)) {
    found.push(
      `sku ${sku}: reserved ${reserved} − awaiting payment ${awaiting} is not the seeded ` +
        `reserved ${seeded.reserved}`,
    );
  }
  return found;
}
