import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OrderStatus } from "../../proto/order-status.ts";
import { Pool } from "../../shared/postgres/pool.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import type { OrderPage, OrderPages } from "../domain/deps.ts";
import { createOrderPages } from "./order-list.ts";
import { newOrder, openWriterFixture, testContext, type WriterFixture } from "./writer-fixture.ts";

let database: TestDatabase;
let loms: WriterFixture;
let pages: OrderPages;
let sku: number;
let lastUser = 100n;

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl);
  pages = createOrderPages({ read: (send) => send(loms.pool) });
  sku = await loms.addStock(1_000_000);
});

afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});

const newUser = () => ++lastUser;

async function place(userId: bigint, count = 1): Promise<bigint[]> {
  const orders = Array.from({ length: count }, () => ({
    ...newOrder([{ sku, count: 1 }]),
    userId,
  }));
  const outcomes = await loms.writer.orderCreate(orders, testContext());
  return outcomes.map((outcome) => {
    if (outcome.kind !== "created") throw new Error("not created");
    return outcome.orderId;
  });
}

interface Filters {
  readonly statuses?: readonly OrderStatus[];
  readonly pageSize?: number;
  readonly before?: bigint | undefined;
}

function list(userId: bigint, filters: Filters = {}, reads = pages): Promise<OrderPage> {
  const { statuses = [], pageSize = 20, before } = filters;
  return reads.orderList({ userId, statuses, pageSize, before }, testContext());
}

/** More than any of these walks has. */
const PAGES_MAX = 1_000;

/** Reads all pages; `between` is called after each. */
async function walk(
  userId: bigint,
  filters: Filters,
  { reads = pages, between = () => Promise.resolve() }: {
    readonly reads?: OrderPages;
    readonly between?: () => Promise<unknown>;
  } = {},
): Promise<bigint[][]> {
  const walked: bigint[][] = [];
  let before: bigint | undefined;
  do {
    const page = await list(userId, { ...filters, before }, reads);
    walked.push(page.orders.map(({ orderId }) => orderId));
    before = page.next;
    await between();
    expect(walked.length).toBeLessThan(PAGES_MAX);
  } while (before !== undefined);
  return walked;
}

const cancel = (...orderIds: bigint[]) =>
  loms.writer.orderCancel(
    orderIds.map((orderId) => ({ orderId, traceparent: "t" })),
    testContext(),
  );

test("orderList() returns a user's orders, newest first, with items and prices", async () => {
  const [user, other] = [newUser(), newUser()];
  const second = await loms.addStock(10);
  const items = [{ sku, count: 2, price: 4_294_967_295 }, { sku: second, count: 1 }];
  await loms.writer.orderCreate([{ ...newOrder(items), userId: user }], testContext());
  await place(other);
  const [short] = await loms.writer.orderCreate(
    [{ ...newOrder([{ sku, count: 60_000 }, { sku: second, count: 11 }]), userId: user }],
    testContext(),
  );
  const { orders, next } = await list(user);
  expect(next).toBeUndefined();
  expect(orders).toStrictEqual([
    {
      orderId: short?.kind === "short" ? short.shortage.orderId : undefined,
      status: "failed",
      createdAt: expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      items: [{ sku, count: 60_000 }, { sku: second, count: 11 }],
    },
    {
      orderId: expect.any(BigInt),
      status: "awaiting payment",
      createdAt: expect.any(String),
      items,
    },
  ]);
  expect(Math.abs(Date.parse(orders[0]?.createdAt ?? "") - Date.now())).toBeLessThan(60_000);
  expect(await list(newUser())).toEqual({ orders: [], next: undefined });
});

test("pages lead to the end, whether the last one is full or not", async () => {
  const user = newUser();
  const newestFirst = (await place(user, 6)).toReversed();
  const pagesOf = (pageSize: number) => walk(user, { pageSize });
  expect(await pagesOf(4)).toEqual([newestFirst.slice(0, 4), newestFirst.slice(4)]);
  expect(await pagesOf(3)).toEqual([newestFirst.slice(0, 3), newestFirst.slice(3)]);
  expect(await pagesOf(6)).toEqual([newestFirst]);
  expect((await pagesOf(1)).flat()).toEqual(newestFirst);
});

test("no order is repeated, and no earlier one is missed, while orders are created", async () => {
  const user = newUser();
  const known = new Set(await place(user, 30));
  const between = () => Promise.all([place(user, 3), place(user, 3)]);
  const seen = (await walk(user, { pageSize: 7 }, { between })).flat();
  expect(seen.filter((orderId) => known.has(orderId)).toSorted()).toEqual([...known].toSorted());
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen).toEqual(seen.toSorted((a, b) => Number(b - a)));
});

test("orderList() filters by statuses", async () => {
  const user = newUser();
  const all = await place(user, 9);
  const cancelled = all.filter((_, index) => index % 3 === 0);
  await cancel(...cancelled);
  const open = all.filter((orderId) => !cancelled.includes(orderId));
  const of = async (statuses: OrderStatus[], pageSize = 2) =>
    (await walk(user, { statuses, pageSize })).flat();
  expect(await of(["cancelled"])).toEqual(cancelled.toReversed());
  expect(await of(["awaiting payment"])).toEqual(open.toReversed());
  expect(await of(["awaiting payment", "cancelled"], 100)).toEqual(all.toReversed());
  expect(await of(["payed", "new"])).toEqual([]);
});

test("a page reads a bounded number of orders, and the next one continues there", async () => {
  const user = newUser();
  const all = (await place(user, 25)).toReversed();
  const reads = createOrderPages({ read: (send) => send(loms.pool) }, 10);
  const [newest, tenth, last] = [all[0], all[9], all[24]] as [bigint, bigint, bigint];
  await cancel(last);
  const statuses = ["cancelled"] as const;
  expect(await walk(user, { statuses }, { reads })).toEqual([[], [], [last]]);
  await cancel(newest, tenth);
  expect(await walk(user, { statuses }, { reads })).toEqual([[newest, tenth], [], [last]]);
  expect(await walk(user, { statuses, pageSize: 1 }, { reads }))
    .toEqual([[newest], [tenth], [], [last]]);
  expect((await walk(user, { pageSize: 100 }, { reads })).flat()).toEqual(all);
});

test("a page among many orders reads only its own rows, with any plan", async () => {
  const { db } = loms.pool;
  await db.execute(sql`insert into orders
    (order_id, user_id, status, seq, changed_at, created_at)
    select 1000000 + n, 1000 + n % 10000, 'payed', 3, now(), now()
    from generate_series(1, 100000) n`);
  await db.execute(sql`insert into order_items (order_id, sku, count)
    select 1000000 + n, ${sku}, 1 from generate_series(1, 100000) n`);
  await db.execute(sql`analyze orders, order_items`);
  // Within a transaction these statistics are those of its connection alone.
  const only = new Pool({
    ...{ url: database.primaryUrl, role: "primary", max: 1, applicationName: "test" },
  });
  const scans = async () => {
    const [row] = await only.db.execute<{ tables: number; rows: number }>(sql`
      select sum(seq_scan)::int as tables, sum(coalesce(idx_tup_fetch, 0))::int as rows
      from pg_stat_xact_user_tables where relname in ('orders', 'order_items')`);
    return row as { tables: number; rows: number };
  };
  const reads = createOrderPages({ read: (send) => send(only) });
  await only.db.execute(sql`begin`);
  const before = await scans();
  // From the sixth call on, one plan may serve all.
  for (let call = 0; call < 10; call++) await list(1_500n, { pageSize: 5 }, reads);
  const after = await scans();
  await only.close();
  expect(after.tables, "scans of a whole table").toBe(before.tables);
  // Six orders and the items of five; one order more if a scan reads ahead.
  const rows = (after.rows - before.rows) / 10;
  expect(rows).toBeGreaterThanOrEqual(6 + 5);
  expect(rows).toBeLessThanOrEqual(7 + 5);
});
