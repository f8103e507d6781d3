import { type Finding, VIOLATIONS_MAX } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

/** Columns as text. */
type Row = Readonly<Record<string, string | null>>;

/** One way in which rows may be inconsistent. */
interface Disagreement {
  find(snapshot: Snapshot): PromiseLike<Row[]>;
  describe(row: Row): string;
}

const DISAGREEMENTS: readonly Disagreement[] = [
  {
    find: (snapshot) =>
      snapshot<Row[]>`
        select coalesce(stored.order_id, last.order_id)::text as order,
          stored.status, stored.seq::text, last.status as event_status, last.seq::text as event_seq
        from orders stored
        full join (
          select distinct on (order_id) order_id, seq, status from order_events
          order by order_id, seq desc
        ) last using (order_id)
        where stored.status is distinct from last.status or stored.seq is distinct from last.seq
        order by 1 limit ${VIOLATIONS_MAX}`,
    describe: ({ order, status, seq, event_status, event_seq }) =>
      `order ${order} is at ${seq} ${status}, its last event at ${event_seq} ${event_status}`,
  },
  {
    find: (snapshot) =>
      snapshot<Row[]>`
        select order_id::text as order, status from orders stored
        where not exists (select from order_items item where item.order_id = stored.order_id)
        order by order_id limit ${VIOLATIONS_MAX}`,
    describe: ({ order, status }) => `order ${order} (${status}) has no items`,
  },
  {
    find: (snapshot) =>
      snapshot<Row[]>`
        select order_id::text as order, sku::text, count::text from order_items item
        where count not between 1 and 65535
          or not exists (select from orders stored where stored.order_id = item.order_id)
        order by order_id, item.sku limit ${VIOLATIONS_MAX}`,
    describe: ({ order, sku, count }) =>
      `${count} of sku ${sku} belong to order ${order}, which is not there or cannot have them`,
  },
  {
    find: (snapshot) =>
      snapshot<Row[]>`
        select order_id::text as order, status, payment_due_at::text as due from orders
        where (status = 'failed') <> (shortage is not null)
          or (status = 'failed') <> (payment_due_at is null)
        order by order_id limit ${VIOLATIONS_MAX}`,
    describe: ({ order, status, due }) =>
      `order ${order} is ${status} with payment due ${
        due ?? "never"
      } and the shortage of another status`,
  },
];

/** An order's row, its lines and its history agree. */
export async function checkRows(snapshot: Snapshot): Promise<Finding> {
  const violations: string[] = [];
  for (const { find, describe } of DISAGREEMENTS) {
    for (const row of await find(snapshot)) violations.push(describe(row));
  }
  const [counted] = await snapshot<{ orders: number }[]>`
    select count(*)::float8 as orders from orders`;
  return { invariant: "rows", checked: counted?.orders ?? 0, of: "orders", violations };
}
