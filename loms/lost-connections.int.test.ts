import { sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, test } from "vitest";
import { orders } from "../drizzle/loms/schema.ts";
import { Pool } from "../shared/postgres/pool.ts";
import { createLogger } from "../shared/telemetry/log.ts";
import { type TestDatabase, testDatabase } from "../stack/test/database.ts";
import { TcpLine } from "../stack/test/tcp-line.ts";
import { lomsConfig } from "./config.ts";
import { type RunningLoms, startLoms } from "./service.ts";

const SKU = 1_625_903;
const STOCK = 10_000;
const BACK_WITHIN = { timeout: 10_000, interval: 50 };
/** A read may wait for its deadline before it is repeated. */
const READ_WITHIN = { timeout: 30_000, interval: 50 };
const OUTAGE_TEST_TIMEOUT_MS = 60_000;
const log = createLogger({
  service: "loms",
  level: "info",
  write(line) {
    if (line.includes("a replica serves reads")) replicaServes = true;
    if (line.includes("a replica serves no reads")) replicaServes = false;
  },
});

let database: TestDatabase;
let bus: TestDatabase;
let line: TcpLine;
let loms: RunningLoms;
/** Whether loms reads from its replica, by its log. */
let replicaServes: boolean;
/** Connects to the database without the proxy. */
let direct: Pool;

beforeEach(async () => {
  database = await testDatabase("loms");
  bus = await testDatabase("bus");
  const way = await TcpLine.to(database.primaryUrl);
  line = way.line;
  direct = new Pool({
    url: database.primaryUrl,
    role: "primary",
    max: 2,
    applicationName: "test",
  });
  replicaServes = false;
  const config = lomsConfig({
    DATABASE_URL: way.url,
    DATABASE_REPLICA_URLS: database.replicaUrl,
    BUS_DATABASE_URL: bus.primaryUrl,
    LOMS_HTTP: "127.0.0.1:0",
    LOMS_GRPC: "127.0.0.1:0",
    LOMS_ADMIN: "127.0.0.1:0",
  });
  loms = await startLoms(config, log);
});

afterEach(async () => {
  line.stopped = false;
  line.cut();
  await loms.close();
  line.close();
  await direct.close();
  await database.drop();
  await bus.drop();
});

interface Answer {
  readonly status: number;
  readonly body: { readonly orderID?: number; readonly count?: number };
}

async function request(operation: string, body: object, key?: string): Promise<Answer> {
  const response = await fetch(`${loms.url}/v1/${operation}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key && { "idempotency-key": key }) },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() as Answer["body"] };
}

const create = (key: string) =>
  request("order/create", { user: 1, items: [{ sku: SKU, count: 1 }] }, key);

/** Repeats with the same key until the outcome is known, as a caller does. */
async function createUntilKnown(key: string): Promise<Answer["body"]> {
  let answer: Answer | undefined;
  await expect.poll(async () => (answer = await create(key)).status, BACK_WITHIN).toBe(200);
  return (answer as Answer).body;
}

const untilReplicaServes = () => expect.poll(() => replicaServes, BACK_WITHIN).toBe(true);

/**
 * Reads while the primary is lost. A replica that answers a probe late then serves no reads until
 * the primary is back: so that is lost once more.
 */
async function expectReadsWithout(lost: "refuses" | "stopped"): Promise<void> {
  await expect.poll(async () => {
    const { status, body } = await request("stock/info", { sku: SKU });
    if (status !== 200) {
      line[lost] = false;
      line.cut();
      await untilReplicaServes();
      line[lost] = true;
      line.cut();
    }
    return body;
  }, READ_WITHIN).toEqual({ count: STOCK });
}

/** In one statement, because late writes may arrive. */
async function sold(): Promise<{ orders: number; reserved: number }> {
  const [row] = await direct.db.execute<{ orders: number; reserved: number }>(sql`
    select (select count(*)::int from orders) as orders, reserved::int
    from stocks where sku = ${SKU}`);
  return row as { orders: number; reserved: number };
}

test("an order whose response is lost is created once, and its key returns it", async () => {
  const release = await lockStock();
  const lost = create("deaf");
  await expect.poll(waitingForLocks, BACK_WITHIN).toBe(1);
  line.deaf = true;
  await release();
  await expect.poll(sold, BACK_WITHIN).toEqual({ orders: 1, reserved: 1 });
  line.deaf = false;
  line.cut();
  expect([503, 504]).toContain((await lost).status);
  // Where the line was deaf for long, loms refuses writes until a probe is confirmed.
  const body = await createUntilKnown("deaf");
  const [stored] = await direct.db.select({ id: orders.orderId }).from(orders);
  expect(BigInt(body.orderID as number)).toBe(stored?.id);
  expect(await sold()).toEqual({ orders: 1, reserved: 1 });
});

/** Locks the stock row, so that orders wait in the server. */
async function lockStock(): Promise<() => Promise<void>> {
  const locked = direct.db.execute(sql`
    with locked as materialized (select sku from stocks where sku = ${SKU} for update)
    select pg_sleep(30) from locked`).then(() => {}, () => {});
  const pids = sql`from pg_stat_activity where query like '%locked as%'
    and wait_event = 'PgSleep' and datname = current_database()`;
  await expect.poll(async () => (await direct.db.execute(sql`select ${pids}`)).length, BACK_WITHIN)
    .toBe(1);
  return async () => {
    await direct.db.execute(sql`select pg_cancel_backend(pid) ${pids}`);
    await locked;
  };
}

async function waitingForLocks(): Promise<number> {
  const rows = await direct.db.execute(sql`select from pg_stat_activity
    where wait_event_type = 'Lock' and datname = current_database()`);
  return rows.length;
}

test("each key creates one order while connections are cut under load", async () => {
  const keys = Array.from({ length: 60 }, (_, index) => `key ${index}`);
  const cutting = setInterval(() => line.cut(), 30);
  const first = await Promise.all(keys.map((key) => create(key)))
    .finally(() => clearInterval(cutting));
  for (const { status } of first) expect([200, 503, 504]).toContain(status);
  for (const key of keys) await createUntilKnown(key);
  expect(await sold()).toEqual({ orders: keys.length, reserved: keys.length });
});

test("without the primary, writes fail at once and replicas answer reads", async () => {
  await untilReplicaServes();
  line.refuses = true;
  line.cut();
  expect((await create("unavailable")).status).toBe(503);
  await expectReadsWithout("refuses");
  expect((await fetch(`${loms.url}/readyz`)).status).toBe(503);
  line.refuses = false;
  await expect.poll(async () => (await create("unavailable")).status, BACK_WITHIN).toBe(200);
  await expect.poll(async () => (await fetch(`${loms.url}/readyz`)).status, BACK_WITHIN).toBe(200);
  expect(await sold()).toEqual({ orders: 1, reserved: 1 });
}, OUTAGE_TEST_TIMEOUT_MS);

test("a primary that hangs delays a write until its deadline, and nothing afterwards", async () => {
  await untilReplicaServes();
  line.stopped = true;
  const keys = Array.from({ length: 30 }, (_, index) => `still ${index}`);
  const answers = await Promise.all(keys.map((key) => create(key)));
  for (const { status } of answers) expect([503, 504]).toContain(status);
  await expectReadsWithout("stopped");
  line.stopped = false;
  line.cut();
  await expect.poll(async () => (await create("after")).status, BACK_WITHIN).toBe(200);
  // Writes whose connection was opening may arrive late.
  const after = await sold();
  expect(after.orders).toBe(after.reserved);
  for (const key of keys) await createUntilKnown(key);
  expect(await sold()).toEqual({ orders: 1 + keys.length, reserved: 1 + keys.length });
}, OUTAGE_TEST_TIMEOUT_MS);
