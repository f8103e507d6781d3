import type postgres from "postgres";
import type { Finding } from "./finding.ts";
import { textArray } from "./snapshot.ts";

/** Orders a question; a list of each column travels with it. */
const CHUNK_MAX = 1_000;

export type ToldStatus = "awaiting payment" | "failed" | "payed" | "cancelled";

/** What somebody was told of an order, and so may rely on. */
export interface AcknowledgedOrder {
  readonly orderId: bigint;
  readonly userId: bigint;
  /** The idempotency key that it was told for. */
  readonly key?: string;
  /** Left out when they are not certain. */
  readonly items?: readonly { readonly sku: number; readonly count: number }[];
  /** The newest status that was told. */
  readonly status: ToldStatus;
}

interface Stored {
  readonly order: string;
  readonly user: string;
  readonly status: string;
  /** "2 of 1002, 1 of 1003", ascending by SKU. */
  readonly items: string;
}

/** The orders that were told are on this server, and have come at least as far. */
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
    for (const told of chunk) {
      violations.push(
        ...compare(told, stored.get(String(told.orderId))),
        ...compareKey(told, answers),
      );
    }
  }
  return {
    invariant: `acknowledged on ${server}`,
    checked: acknowledged.length,
    of: "orders that were told",
    violations,
  };
}

/** Whether no key was told two orders, and no order to two users. */
export function checkTold(acknowledged: readonly AcknowledgedOrder[]): Finding {
  const byKey = new Map<string, bigint>();
  const byOrder = new Map<bigint, AcknowledgedOrder>();
  const violations: string[] = [];
  for (const told of acknowledged) {
    const { orderId, userId, key } = told;
    const name = `${userId} ${key}`;
    const first = key === undefined ? orderId : byKey.get(name) ?? orderId;
    if (key !== undefined) byKey.set(name, first);
    if (first !== orderId) {
      violations.push(`key ${key} of user ${userId} was told order ${first} and order ${orderId}`);
    }
    const other = byOrder.get(orderId) ?? told;
    byOrder.set(orderId, told);
    if (other.userId !== userId) {
      violations.push(`order ${orderId} was told to user ${other.userId} and to user ${userId}`);
    }
  }
  return {
    invariant: "told",
    checked: acknowledged.length,
    of: "orders that were told",
    violations,
  };
}

function compare(told: AcknowledgedOrder, stored: Stored | undefined): string[] {
  const { orderId, userId, status } = told;
  if (!stored) return [`order ${orderId} (${status}) was told and is not there`];
  const found: string[] = [];
  if (stored.user !== String(userId)) {
    found.push(`order ${orderId} was told to user ${userId} and is user ${stored.user}'s`);
  }
  if (!isAsFar(stored.status, status)) {
    found.push(`order ${orderId} was told as ${status} and is ${stored.status}`);
  }
  const items = told.items?.toSorted((a, b) => a.sku - b.sku)
    .map(({ sku, count }) => `${count} of ${sku}`).join(", ");
  if (items !== undefined && stored.items !== items) {
    found.push(`order ${orderId} was told with ${items} and has ${stored.items}`);
  }
  return found;
}

function isAsFar(status: string, told: ToldStatus): boolean {
  if (told !== "awaiting payment") return status === told;
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
  return [`key ${key} of user ${userId} was told order ${orderId} and ${now}`];
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
      ), 'nothing') as items
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
    ) told (user_id, key)
    join idempotency_keys using (user_id, key)`;
  return new Map(rows.map(({ user, key, order }) => [`${user} ${key}`, order]));
}
