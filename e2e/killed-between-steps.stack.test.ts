import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../shared/async/request-context.ts";
import type { Stack } from "../stack/start.ts";
import { Ledger } from "./crash-test/ledger.ts";
import { type Load, startLoad } from "./crash-test/load.ts";
import { Random } from "./crash-test/random.ts";
import { openStockTransport } from "./crash-test/stock-transport.ts";
import { openTransports, type Transports } from "./crash-test/transports.ts";
import { eventually } from "./eventually.ts";
import { hold } from "./hold.ts";
import { openDatabase } from "./invariants/snapshot.ts";
import { expectNotifications, notificationsOf } from "./notifications.ts";
import { expectInvariants, startOwnStack, subjectOf } from "./own-stack.ts";
import { type Shop, shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

// Each process is killed after a certain step of order → event → notification, at which a lock or a
// frozen server stops it, while buyers continue.

const PAYMENT_TIMEOUT_MS = 6_000;
/** Two SKUs that the buyers of the load do not buy. */
const SKU = 773_297_411;
const OTHER_SKU = 135_937_324;
const BUYERS = 3;
const MADE = ["new", "awaiting payment"];
const CANCELLED = [...MADE, "cancelled"];

let stack: Stack;
let shop: Shop;
let transports: Transports;
let load: Load;
const ledger = new Ledger();
/** Orders that are not payed, and so are cancelled. */
const unpayed: number[] = [];
let stockOfOther: number;

beforeAll(async () => {
  stack = await startOwnStack({
    environment: { ORDER_PAYMENT_TIMEOUT: `${PAYMENT_TIMEOUT_MS}ms` },
  });
  shop = shopAt(stack);
  const { cart, loms = "", lomsGrpc, lomsAdmin = "" } = stack.urls;
  transports = openTransports({ cart, loms, lomsGrpc });
  load = startLoad(
    {
      ...{ transports, ledger, clock: systemClock, paymentTimeoutMs: PAYMENT_TIMEOUT_MS },
      stock: openStockTransport(lomsAdmin),
    },
    new Random(1),
    BUYERS,
  );
  await ledger.more(10);
});

afterAll(async () => {
  await load.stop();
  transports.close();
  try {
    expect([ledger.lost, ledger.doubled, ledger.strange]).toEqual([[], [], []]);
    await expectInvariants({
      ...subjectOf(stack),
      acknowledged: ledger.orders,
      acknowledgedChanges: ledger.stockChanges,
    });
  } finally {
    await stack.close();
  }
});

/** Repeats a creation under its key until the outcome is known. */
async function createSurely(sku: number, key: string, user = newUser()): Promise<number> {
  return await eventually(async () => {
    const answer = await shop.tryCreate(user, [{ sku, count: 1 }], { "idempotency-key": key });
    expect(answer.status, answer.text).toBe(200);
    return answer.body["orderID"] as number;
  });
}

async function query<Row extends object>(statement: string): Promise<Row[]> {
  const database = openDatabase(stack.databases.loms);
  try {
    return [...await database.unsafe<Row[]>(statement)];
  } finally {
    await database.end({ timeout: 0 });
  }
}

/** Waits until the creation of an order has been shown; it may be cancelled on a busy machine. */
async function untilShown(order: number): Promise<void> {
  await eventually(() => {
    const shown = notificationsOf(stack, order).map(({ status }) => status);
    expect(shown.slice(0, MADE.length)).toEqual(MADE);
  });
}

/** The same for an order that is cancelled in the end. */
async function expectMade(order: number): Promise<void> {
  await untilShown(order);
  unpayed.push(order);
}

/** Waits until all orders so far have been cancelled, and the cancellation shown once. */
async function expectCancelled(): Promise<void> {
  for (const order of unpayed) await expectNotifications(stack, order, CANCELLED);
}

/** Without the cancellations, of which there are some on a busy machine. */
const creationsOf = (orders: readonly number[]) =>
  `from outbox where order_id in (${orders.join(", ")}) and status <> 'cancelled'`;

async function createMany(): Promise<number[]> {
  return await Promise.all(
    Array.from({ length: 5 }, (_, index) => createSurely(SKU, `many ${index}`)),
  );
}

test("loms killed between an order and its publication: the next one publishes it", async () => {
  const bus = await hold(stack.databases.bus, "lock table pgboss.job in exclusive mode");
  const orders = await createMany();
  await bus.blocks("pgboss");
  await stack.kill("loms");
  const waiting = await query(`select 1 ${creationsOf(orders)} and published_at is null`);
  expect(waiting).toHaveLength(2 * orders.length);
  await bus.endWaiting();
  await stack.restart("loms");
  for (const order of orders) await expectMade(order);
});

test("loms killed between publishing and marking: no event is shown twice", async () => {
  const bus = await hold(stack.databases.bus, "lock table pgboss.job in exclusive mode");
  // One order, because the events of several may be published in two batches.
  const order = await createSurely(SKU, "before noting");
  const marks = await hold(stack.databases.loms, `select ${creationsOf([order])} for update`);
  await bus.release();
  await marks.blocks("outbox_mark");
  await stack.kill("loms");
  await untilShown(order);
  await marks.endWaiting();
  const unmarked = await query(`select 1 ${creationsOf([order])} and published_at is null`);
  expect(unmarked, "they will be published once more").toHaveLength(2);
  await stack.restart("loms");
  await expectMade(order);
});

test("a notifier killed before it shows: the next one shows, once", async () => {
  const memory = await hold(
    stack.databases.notifier,
    "lock table notifier.last_shown in access exclusive mode",
  );
  const order = await createSurely(SKU, "before showing");
  await memory.blocks("last_shown");
  await stack.kill("notifier");
  expect(notificationsOf(stack, order)).toEqual([]);
  await memory.endWaiting();
  await stack.restart("notifier");
  await expectMade(order);
});

test("a notifier killed between showing and remembering: the next repeats in order", async () => {
  // An order that is cancelled while nothing is stored would be shown twice as cancelled.
  await expectCancelled();
  const memory = await hold(
    stack.databases.notifier,
    "lock table notifier.last_shown in share mode",
  );
  const order = await createSurely(SKU, "before remembering");
  await expectNotifications(stack, order, ["new"]);
  await memory.blocks("last_shown");
  await stack.kill("notifier");
  await memory.endWaiting();
  await stack.restart("notifier");
  await eventually(() => {
    const shown = notificationsOf(stack, order).map(({ seq, status }) => `${seq} ${status}`);
    expect(shown).toEqual(["1 new", "1 new", "2 awaiting payment", "3 cancelled"]);
  });
});

test("cart killed while loms creates its order: at most one order, unanswered", async () => {
  const user = newUser();
  const before = await shop.stock(OTHER_SKU);
  await eventually(() => shop.add(user, OTHER_SKU, 4));
  const row = await hold(
    stack.databases.loms,
    `select from stocks where sku = ${OTHER_SKU} for update`,
  );
  const checkout = shop.tryCheckout(user).catch(() => undefined);
  await row.blocks("order_create");
  await stack.kill("cart");
  ledger.cartsDied();
  expect(await checkout, "no order is returned").toBeUndefined();
  await row.release();
  await stack.restart("cart");
  expect((await shop.tryCheckout(user)).status, "the cart is gone with its process").toBe(404);
  const orders = await query<{ order_id: string }>(
    `select order_id from orders where user_id = ${user}`,
  );
  expect(orders.length).toBeLessThanOrEqual(1);
  for (const { order_id } of orders) await expectMade(Number(order_id));
  stockOfOther = before;
});

test("the primary killed before the standby has a commit: the key has one order", async () => {
  const [user, key] = [newUser(), "before the standby"];
  const items = [{ sku: SKU, count: 1 }];
  const row = await hold(
    stack.databases.loms,
    `select from stocks where sku = ${SKU} for update`,
  );
  const lost = shop.tryCreate(user, items, { "idempotency-key": key });
  await row.blocks("order_create");
  stack.pause("standby1");
  await row.release();
  await eventually(async () => {
    const waiting = await query(
      "select 1 from pg_stat_activity where wait_event = 'SyncRep' and query like '%order_create%'",
    );
    expect(waiting.length).toBeGreaterThan(0);
  });
  await stack.kill("primary");
  expect([503, 504]).toContain((await lost).status);
  stack.resume("standby1");
  await stack.restart("primary");
  const order = await createSurely(SKU, key, user);
  expect(await createSurely(SKU, key, user)).toBe(order);
  const orders = await query(`select 1 from orders where user_id = ${user}`);
  expect(orders).toHaveLength(1);
  await expectMade(order);
});

test("the standby killed while commits wait for it: each is acknowledged or settled", async () => {
  const writes = Array.from({ length: 10 }, (_, index) => createSurely(SKU, `standby ${index}`));
  await stack.kill("standby1");
  await stack.restart("standby1");
  const orders = await Promise.all(writes);
  const standby = openDatabase(stack.databases.lomsReplicas[0] as string);
  const there = await standby.unsafe(
    `select 1 from orders where order_id in (${orders.join(", ")})`,
  );
  await standby.end();
  expect(there).toHaveLength(orders.length);
  for (const order of orders) await expectMade(order);
});

test("every order is cancelled in the end, shown once, and its units are released", async () => {
  await expectCancelled();
  expect(await shop.stock(OTHER_SKU)).toBe(stockOfOther);
});
