import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { orders } from "../../drizzle/loms/schema.ts";
import { type Clock, systemClock } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { Pool } from "../../shared/postgres/pool.ts";
import type { PoolRole, StatementObservation } from "../../shared/postgres/statement.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { TcpLine } from "../../stack/test/tcp-line.ts";
import { ListedReplicas, type Replica } from "./listed-replicas.ts";
import { ReadRouting } from "./read-routing.ts";
import { createGroupedReader, createOrderSetReader } from "./reader.ts";
import { Replicas } from "./replicas.ts";
import { openWriterFixture, testContext, type WriterFixture } from "./writer-fixture.ts";

let database: TestDatabase;
let loms: WriterFixture;
let line: TcpLine;
/** The replica by way of the line. */
let lineUrl: string;
let seen: StatementObservation[];
let changes: string[];
let source: ReturnType<typeof openReader>;
const pools: Pool[] = [];

/** On a clock that stands still no statement is too late, however busy the machine is. */
function openPool(url: string, role: PoolRole, clock: Clock = new VirtualClock()): Pool {
  const pool = new Pool({
    ...{ url, role, clock, max: 4, applicationName: "test" },
    observe: (observation) => {
      if (observation.name.endsWith("_info")) seen.push(observation);
    },
  });
  pools.push(pool);
  return pool;
}

const groupedReader = (routing: ReadRouting) =>
  createGroupedReader(createOrderSetReader(routing), new Metrics("loms"));

function openReader(...replicas: Replica[]) {
  const primary = openPool(database.primaryUrl, "primary");
  const routing = new ReadRouting({
    primary,
    replicas,
    listed: new ListedReplicas({ primary, members: replicas, clock: systemClock }),
    clock: systemClock,
    onHealth: ({ name }, healthy) => changes.push(`${name} ${healthy ? "up" : "down"}`),
  });
  return { reader: groupedReader(routing), replicas: routing.replicas };
}

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl);
});

beforeEach(async () => {
  seen = [];
  changes = [];
  line?.close();
  ({ line, url: lineUrl } = await TcpLine.to(database.replicaUrl));
  source = openReader({ name: "first", pool: openPool(lineUrl, "replica") });
});

afterAll(async () => {
  line.close();
  await Promise.all(pools.map((pool) => pool.close()));
  await loms.pool.close();
  await database.drop();
});

/** Probes until that many replicas are healthy; on a busy machine one probe may be too short. */
async function serve(
  replicas: Pick<Replicas, "step" | "healthy">,
  count = 1,
): Promise<void> {
  await expect.poll(async () => {
    await replicas.step();
    return replicas.healthy.length;
  }).toBe(count);
}

const roles = () => seen.map(({ role, outcome }) => `${role} ${outcome}`);

test("a replica answers reads, and has each acknowledged write", async () => {
  const sku = await loms.addStock(1_000);
  await serve(source.replicas);
  for (let count = 1; count <= 30; count++) {
    const items = [{ sku, count, price: 4_294_967_295 }, { sku: sku + 1, count: 1 }];
    const [outcome] = await loms.create(items);
    if (outcome?.kind !== "short") throw new Error("unexpected");
    const order = await source.reader.orderInfo(outcome.shortage.orderId, testContext());
    expect(order).toStrictEqual({
      orderId: outcome.shortage.orderId,
      userId: 7n,
      status: "failed",
      items,
      reason: "out_of_stock",
    });
  }
  expect(new Set(roles())).toEqual(new Set(["replica ok"]));
});

test("orderInfo() returns why an order was cancelled, if known", async () => {
  const sku = await loms.addStock(10);
  const [outcome] = await loms.create([{ sku, count: 1 }]);
  if (outcome?.kind !== "created") throw new Error("not created");
  const { orderId } = outcome;
  const info = () => source.reader.orderInfo(orderId, testContext());
  expect(await info()).not.toHaveProperty("reason");
  await loms.writer.orderCancel([{ orderId, traceparent: "t" }], testContext());
  expect(await info()).toMatchObject({ status: "cancelled", reason: "buyer" });
  await loms.pool.db.update(orders).set({ reason: null }).where(eq(orders.orderId, orderId));
  expect(await info()).not.toHaveProperty("reason");
});

test("stocksInfoList() returns known SKUs, ascending, from the replica", async () => {
  const list = await source.reader.stocksInfoList([139818428, 4_294_967_295, 1002], testContext());
  expect(list).toEqual([
    await source.reader.stocksInfo(1002, testContext()),
    await source.reader.stocksInfo(139818428, testContext()),
  ]);
});

test("orderInfo() and stocksInfo() return undefined for unknown ids", async () => {
  await serve(source.replicas);
  expect(await source.reader.orderInfo(2n ** 63n - 1n, testContext())).toBeUndefined();
  expect(await source.reader.stocksInfo(4_294_967_295, testContext())).toBeUndefined();
  expect(await source.reader.stocksInfo(139818428, testContext())).toMatchObject({
    totalCount: 100n,
    reserved: 101n,
  });
});

test("concurrent reads share one statement, each with its own answer", async () => {
  await serve(source.replicas);
  const sku = await loms.addStock(10);
  const lists = [[{ sku, count: 1 }], [{ sku, count: 2 }, { sku: sku + 1, count: 3 }]];
  const orderIds: bigint[] = [];
  for (const items of lists) {
    const [outcome] = await loms.create(items);
    if (outcome?.kind === "created") orderIds.push(outcome.orderId);
    if (outcome?.kind === "short") orderIds.push(outcome.shortage.orderId);
  }
  const [first = 0n, second = 0n] = orderIds;
  const ids = [second, 2n ** 62n, first, second];
  const { reader } = source;
  const found = await Promise.all(ids.map((orderId) => reader.orderInfo(orderId, testContext())));
  expect(found.map((order) => order?.orderId)).toEqual([second, undefined, first, second]);
  expect(found.map((order) => order?.items)).toEqual([lists[1], undefined, lists[0], lists[1]]);
  const stocks = await Promise.all(
    [139818428, 4_294_967_295, sku].map((each) => reader.stocksInfo(each, testContext())),
  );
  expect(stocks.map((stock) => stock?.totalCount)).toEqual([100n, undefined, 10n]);
  expect(roles()).toEqual(["replica ok", "replica ok"]);
});

test("before the first probe the primary answers", async () => {
  await source.reader.stocksInfo(1002, testContext());
  expect(roles()).toEqual(["primary ok"]);
});

test("reads leave a lost replica until it is healthy again", async () => {
  await serve(source.replicas);
  await source.reader.stocksInfo(1002, testContext());
  line.refuses = true;
  line.cut();
  expect(await source.reader.stocksInfo(1002, testContext())).toBeDefined();
  expect(await source.reader.stocksInfo(1002, testContext())).toBeDefined();
  expect(roles()).toEqual(["replica ok", "replica unavailable", "primary ok", "primary ok"]);
  await source.replicas.step();
  expect(source.replicas.healthy).toEqual([]);
  line.refuses = false;
  await serve(source.replicas);
  await source.reader.stocksInfo(1002, testContext());
  expect(roles().at(-1)).toBe("replica ok");
  expect(changes).toEqual(["first up", "first down", "first up"]);
});

test("a replica that stops answering delays a read briefly, not until its deadline", async () => {
  const hasty = openReader({ name: "first", pool: openPool(lineUrl, "replica", systemClock) });
  await serve(hasty.replicas);
  line.stopped = true;
  expect(await hasty.reader.stocksInfo(1002, testContext())).toBeDefined();
  expect(roles()).toEqual(["replica deadline_exceeded", "primary ok"]);
  expect(changes).toEqual(["first up", "first down"]);
});

test("a server that does not follow the primary is not a replica", async () => {
  const other = openReader(
    { name: "the primary", pool: openPool(database.primaryUrl, "replica") },
    { name: "unreachable", pool: openPool("postgres://postgres@127.0.0.1:1/none", "replica") },
  );
  await other.replicas.step();
  expect(other.replicas.healthy).toEqual([]);
});

test("reads are spread over the healthy replicas", async () => {
  const pair = ["a", "b"].map((name) => ({
    name,
    pool: openPool(database.replicaUrl, "replica"),
  }));
  const synchronous = new Set(pair.map(({ pool }) => pool));
  const { replicas } = new ReadRouting({
    primary: openPool(database.primaryUrl, "primary"),
    replicas: pair,
    // One server under two names; e2e/two-replicas.stack.test.ts has two servers.
    listed: {
      query: () =>
        Promise.resolve({
          ...{ queriedAt: 0, synchronous, problem: undefined, standbys: undefined },
          position: "0/1",
        }),
    },
    clock: systemClock,
    onHealth: () => {},
  });
  expect(replicas.next()).toBeUndefined();
  await serve(replicas, 2);
  const taken = [1, 2, 3, 4].map(() => replicas.next()?.name).toSorted();
  expect(taken).toEqual(["a", "a", "b", "b"]);
});

test("while the primary does not answer, a replica keeps its health", async () => {
  const { line: way, url: primaryUrl } = await TcpLine.to(database.primaryUrl);
  const member = { name: "only", pool: openPool(database.replicaUrl, "replica") };
  const primary = openPool(primaryUrl, "primary");
  const replicas = new Replicas({
    members: [member],
    listed: new ListedReplicas({ primary, members: [member], clock: systemClock }),
    clock: systemClock,
    leaseMs: Infinity,
    onHealth: () => {},
  });
  way.refuses = true;
  await replicas.step();
  expect(replicas.healthy).toEqual([]);
  way.refuses = false;
  await serve(replicas);
  expect(replicas.healthy).toEqual([member]);
  way.refuses = true;
  way.cut();
  await replicas.step();
  expect(replicas.healthy).toEqual([member]);
  way.close();
});

test("an answer of the primary is valid for its lease, and then no replica is read", async () => {
  let laterMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + laterMs };
  const primary = openPool(database.primaryUrl, "primary");
  const member = { name: "only", pool: openPool(database.replicaUrl, "replica") };
  const listed = new ListedReplicas({ primary, members: [member], clock });
  const leaseMs = 60_000;
  const replicas = new Replicas({
    ...{ members: [member], listed, clock, leaseMs, onHealth: () => {} },
  });
  await serve(replicas);
  expect(replicas.next()).toBe(member);
  laterMs = leaseMs;
  expect(replicas.next()).toBeUndefined();
  await serve(replicas);
  expect(replicas.next()).toBe(member);
});

test("reads are prepared", async () => {
  const pool = new Pool({
    ...{ url: database.primaryUrl, role: "primary", max: 1, applicationName: "test" },
  });
  pools.push(pool);
  await createOrderSetReader(pool).stocksInfo([1002], testContext());
  const rows = await pool.db.execute<{ statement: string }>(
    sql`select statement from pg_prepared_statements`,
  );
  expect(rows.some(({ statement }) => statement.includes('from "stocks"'))).toBe(true);
});

test("replicas that lack acknowledged writes are not read, even if they are healthy", async () => {
  let areCurrent = false;
  const primary = openPool(database.primaryUrl, "primary");
  const members = [{ name: "only", pool: openPool(database.replicaUrl, "replica") }];
  const routing = new ReadRouting({
    primary,
    replicas: members,
    listed: new ListedReplicas({ primary, members, clock: systemClock }),
    clock: systemClock,
    onHealth: () => {},
    areCurrent: () => areCurrent,
  });
  const reader = groupedReader(routing);
  await serve(routing.replicas);
  await reader.stocksInfo(1002, testContext());
  areCurrent = true;
  await reader.stocksInfo(1002, testContext());
  expect(roles()).toEqual(["primary ok", "replica ok"]);
});
