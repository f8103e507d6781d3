import type postgres from "postgres";
import { type Finding, VIOLATIONS_MAX } from "../invariants/finding.ts";

export const BOUGHT_ONCE = "bought once";

/** Every user of the load buys once: no user has two created orders, acknowledged or not. */
export async function checkBoughtOnce(database: postgres.ISql): Promise<Finding> {
  const doubled = await database<{ user: string; orders: string }[]>`
    select user_id::text as user, string_agg(order_id::text, ', ' order by order_id) as orders
    from orders where status <> 'failed'
    group by user_id having count(*) > 1
    order by user_id limit ${VIOLATIONS_MAX}`;
  const [counted] = await database<{ users: number }[]>`
    select count(distinct user_id)::float8 as users from orders`;
  return {
    invariant: BOUGHT_ONCE,
    checked: counted?.users ?? 0,
    of: "users",
    violations: doubled.map(({ user, orders }) => `user ${user} has orders ${orders}`),
  };
}
