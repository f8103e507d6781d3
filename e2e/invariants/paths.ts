import { type Finding, VIOLATIONS_MAX } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

/** From the contract, not from the code under test. */
const LEGAL_PATHS: ReadonlySet<string> = new Set([
  "1 new, 2 awaiting payment",
  "1 new, 2 failed",
  "1 new, 2 awaiting payment, 3 payed",
  "1 new, 2 awaiting payment, 3 cancelled",
]);

interface TakenPath {
  /** "1 new, 2 failed". */
  readonly path: string;
  readonly orders: string;
  readonly examples: string[];
}

/** Each order's events are one legal path with one final status, seq from 1 without gaps. */
export async function checkPaths(snapshot: Snapshot): Promise<Finding> {
  const taken = await snapshot<TakenPath[]>`
    select path, count(*)::text as orders,
      to_json((array_agg(order_id::text order by order_id))[1:${VIOLATIONS_MAX}::int]) as examples
    from (
      select order_id, string_agg(seq || ' ' || status, ', ' order by seq) as path
      from order_events group by order_id
    ) history
    group by path`;
  return {
    invariant: "paths",
    checked: taken.reduce((sum, { orders }) => sum + Number(orders), 0),
    of: "orders",
    violations: taken.filter(({ path }) => !LEGAL_PATHS.has(path)).flatMap(({ path, examples }) =>
      examples.map((order) => `order ${order} went an illegal path: ${path}`)
    ),
  };
}
