import { type Finding, VIOLATIONS_MAX } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

/** loms cancels within 2 s of the deadline; the rest is for a very busy machine. */
const OVERDUE_MAX_S = 5;

interface Overdue {
  readonly order: string;
  readonly overdue_s: string;
}

/** Nothing stays reserved for an order whose payment deadline has passed. */
export async function checkDeadlines(snapshot: Snapshot): Promise<Finding> {
  const overdue = await snapshot<Overdue[]>`
    select order_id::text as order,
      extract(epoch from now() - payment_due_at)::int::text as overdue_s
    from orders
    where status = 'awaiting payment'
      and payment_due_at < now() - ${OVERDUE_MAX_S} * interval '1 s'
    order by payment_due_at limit ${VIOLATIONS_MAX}`;
  const [counted] = await snapshot<{ waiting: number }[]>`
    select count(*)::float8 as waiting from orders where status = 'awaiting payment'`;
  return {
    invariant: "deadlines",
    checked: counted?.waiting ?? 0,
    of: "orders that await payment",
    violations: overdue.map(({ order, overdue_s }) =>
      `order ${order} still awaits payment ${overdue_s} s after its deadline`
    ),
  };
}
