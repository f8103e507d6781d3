import type postgres from "postgres";
import type { Finding } from "./finding.ts";
import { textArray } from "./snapshot.ts";

/** Orders per query, which has a list for each column. */
const CHUNK_MAX = 1_000;

export type AcknowledgedStatus = "awaiting payment" | "failed" | "payed" | "cancelled";

/** What was acknowledged about an order. */
export interface AcknowledgedOrder {
  readonly orderId: bigint;
  readonly userId: bigint;
  /** The idempotency key of the request. */
  readonly key?: string;
  /** Omitted if they are uncertain. */
  readonly items?: readonly { readonly sku: number; readonly count: number }[];
  /** The total that its buyer agreed to; omitted if there is none. */
  readonly totalPrice?: bigint;
  /** The newest status that was acknowledged. */
  readonly status: AcknowledgedStatus;
}

interface Stored {
  readonly order: string;
  readonly user: string;
  readonly status: string;
  /** "2 of 1002, 1 of 1003", ascending by SKU. */
  readonly items: string;
  /** Null when a line has no price. */
  readonly total: string | null;
}

/** This server has the acknowledged orders, with the same or a later status. */
export async function checkAcknowledged(
  server: string,
  database: postgres.ISql,
  acknowledged: readonly AcknowledgedOrder[],
): Promise<Finding> {
  const violations: string[] = [];
  for (let from = 0; from < acknowledged.length; from += CHUNK_MAX) {
    const chunk = acknowledged.slice(from, from + CHUNK_MAX);
    const stored = await readOrders(database, chunk.map(({ orderId }) => orderId));
    const answers = await readKeys(database, chunk);
    for (const reported of chunk) {
      violations.push(
        ...compare(reported, stored.get(String(reported.orderId))),
        ...compareKey(reported, answers),
      );
    }
  }
  return {
    invariant: `acknowledged on ${server}`,
    checked: acknowledged.length,
    of: "orders that were reported",
    violations,
  };
}

/** No key has two orders, and no order was acknowledged to two users. */
export function checkAnswered(acknowledged: readonly AcknowledgedOrder[]): Finding {
  const byKey = new Map<string, bigint>();
  const byOrder = new Map<bigint, AcknowledgedOrder>();
  const violations: string[] = [];
  for (const reported of acknowledged) {
    const { orderId, userId, key } = reported;
    const name = `${userId} ${key}`;
    const first = key === undefined ? orderId : byKey.get(name) ?? orderId;
    if (key !== undefined) byKey.set(name, first);
    if (first !== orderId) {
      violations.push(`key ${key} of user ${userId} got order ${first} and order ${orderId}`);
    }
    const other = byOrder.get(orderId) ?? reported;
    byOrder.set(orderId, reported);
    if (other.userId !== userId) {
      violations.push(
        `order ${orderId} was acknowledged to user ${other.userId} and to user ${userId}`,
      );
    }
  }
  return {
    invariant: "reported",
    checked: acknowledged.length,
    of: "orders that were reported",
    violations,
  };
}

function compare(reported: AcknowledgedOrder, stored: Stored | undefined): string[] {
  const { orderId, userId, status } = reported;
  if (!stored) return [`order ${orderId} (${status}) was reported and is not there`];
  const found: string[] = [];
  if (stored.user !== String(userId)) {
    found.push(`order ${orderId} was acknowledged to user ${userId} and is user ${stored.user}'s`);
  }
  if (!isAsFar(stored.status, status)) {
    found.push(`order ${orderId} was acknowledged as ${status} and is ${stored.status}`);
  }
  const items = reported.items?.toSorted((a, b) => a.sku - b.sku)
    .map(({ sku, count }) => `${count} of ${sku}`).join(", ");
  if (items !== undefined && stored.items !== items) {
    found.push(`order ${orderId} was reported with ${items} and has ${stored.items}`);
  }
  const { totalPrice } = reported;
  if (totalPrice !== undefined && stored.total !== String(totalPrice)) {
    const now = stored.total === null ? "has no total" : `costs ${stored.total}`;
    found.push(`order ${orderId} was agreed to cost ${totalPrice} and ${now}`);
  }
  return found;
}

function isAsFar(status: string, reported: AcknowledgedStatus): boolean {
  if (reported !== "awaiting payment") return status === reported;
  return ["awaiting payment", "payed", "cancelled"].includes(status);
}

function compareKey(
  { userId, key, orderId }: AcknowledgedOrder,
  answers: ReadonlyMap<string, string>,
): string[] {
  if (key === undefined) return [];
  const answer = answers.get(`${userId} ${key}`);
  if (answer === String(orderId)) return [];
  const now = answer === undefined ? "is not known" : `names order ${answer}`;
  return [`key ${key} of user ${userId} got order ${orderId} and ${now}`];
}

async function readOrders(
  database: postgres.ISql,
  orderIds: readonly bigint[],
): Promise<ReadonlyMap<string, Stored>> {
  const rows = await database<Stored[]>`
    select order_id::text as order, user_id::text as user, status,
      coalesce((
        select string_agg(count || ' of ' || sku, ', ' order by sku) from order_items item
        where item.order_id = stored.order_id
      ), 'nothing') as items,
      (
        select case when bool_and(price is not null) then sum(price * count) end::text
        from order_items item where item.order_id = stored.order_id
      ) as total
    from orders stored where order_id = any (${textArray(orderIds)}::text::int8[])`;
  return new Map(rows.map((row) => [row.order, row]));
}

async function readKeys(
  database: postgres.ISql,
  acknowledged: readonly AcknowledgedOrder[],
): Promise<ReadonlyMap<string, string>> {
  const keyed = acknowledged.flatMap(({ userId, key }) => key === undefined ? [] : { userId, key });
  const rows = await database<{ user: string; key: string; order: string }[]>`
    select user_id::text as user, key, order_id::text as order
    from unnest(
      ${textArray(keyed.map(({ userId }) => userId))}::text::int8[],
      ${textArray(keyed.map(({ key }) => key))}::text::text[]
    ) reported (user_id, key)
    join idempotency_keys using (user_id, key)`;
  return new Map(rows.map(({ user, key, order }) => [`${user} ${key}`, order]));
}
