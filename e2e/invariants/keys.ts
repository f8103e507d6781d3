import { type Finding, VIOLATIONS_MAX } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

interface KeyRow {
  readonly user: string;
  readonly key: string;
  readonly order: string;
  readonly owner: string | null;
}

interface SharedOrder {
  readonly order: string;
  readonly keys: string;
}

/** A key belongs to one order of its user, and no order has two keys. */
export async function checkKeys(snapshot: Snapshot): Promise<Finding> {
  const foreign = await snapshot<KeyRow[]>`
    select taken.user_id::text as user, key, taken.order_id::text as order,
      stored.user_id::text as owner
    from idempotency_keys taken left join orders stored using (order_id)
    where stored.user_id is distinct from taken.user_id
    order by taken.order_id limit ${VIOLATIONS_MAX}`;
  const shared = await snapshot<SharedOrder[]>`
    select order_id::text as order, string_agg(key, ', ' order by key) as keys
    from idempotency_keys
    group by order_id having count(*) > 1
    order by order_id limit ${VIOLATIONS_MAX}`;
  const [counted] = await snapshot<{ keys: number }[]>`
    select count(*)::float8 as keys from idempotency_keys`;
  return {
    invariant: "keys",
    checked: counted?.keys ?? 0,
    of: "idempotency keys",
    violations: [
      ...foreign.map(({ user, key, order, owner }) =>
        `key ${key} of user ${user} names order ${order}, ` +
        (owner === null ? "which is not there" : `which is user ${owner}'s`)
      ),
      ...shared.map(({ order, keys }) => `order ${order} has more than one key: ${keys}`),
    ],
  };
}
