import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { outboxLease } from "../../drizzle/loms/schema.ts";
import { systemClock } from "../../shared/async/request-context.ts";
import { Pool } from "../../shared/postgres/pool.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import {
  openWriterFixture,
  testContext,
  type WriterFixture,
} from "../repository/writer-fixture.ts";
import { cleanOutbox } from "./clean.ts";
import { ORDER_OUTBOX, OUTBOX_READ } from "./order-outbox.ts";

const RELAY = randomUUID();
const LEASE_MS = 60_000;

let database: TestDatabase;
let loms: WriterFixture;
/** A connection with a separate transaction. */
let late: Pool;

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl);
  late = new Pool({ url: database.primaryUrl, role: "primary", max: 1, applicationName: "late" });
});
afterAll(async () => {
  await late.close();
  await loms.pool.close();
  await database.drop();
});
beforeEach(async () => {
  await loms.pool.db.execute(sql`delete from outbox`);
  await loms.pool.db.update(outboxLease).set({ until: "-infinity" });
});

const insertEvent = (pool: Pool, orderId = 1) =>
  pool.db.execute<{ id: bigint }>(sql`
    insert into outbox (order_id, user_id, seq, status, at, traceparent)
    values (${orderId}, 7, 1, 'new', clock_timestamp(), 't') returning id`);

/** A read that renews the lease; returns the ids of its events. */
async function renew(): Promise<(bigint | null)[]> {
  await loms.pool.db.execute(sql`
    update outbox_lease set until = clock_timestamp() + interval '1 s' where holder = ${RELAY}`);
  const rows = await loms.pool.run(
    OUTBOX_READ,
    [RELAY, LEASE_MS, [], 100, "remote_apply"],
    testContext(),
  );
  return rows.filter(({ state }) => state === "taken").map(({ id }) => id);
}

async function floor(): Promise<bigint> {
  const [lease] = await loms.pool.db.select().from(outboxLease);
  return lease?.floor as bigint;
}

/** Renews until the floor has risen: transactions of other databases delay it, too. */
async function expectFloor(id: bigint): Promise<void> {
  await expect.poll(async () => (await renew(), await floor())).toBe(id);
}

const markAll = () => loms.pool.db.execute(sql`update outbox set published_at = now()`);

test("the floor rises above published events, and not above waiting ones", async () => {
  const [first] = await insertEvent(loms.pool);
  const [second] = await insertEvent(loms.pool);
  await expectFloor(first?.id as bigint);
  await loms.pool.db.execute(sql`update outbox set published_at = now() where id = ${first?.id}`);
  await expectFloor(second?.id as bigint);
  await markAll();
  await expectFloor(second?.id as bigint + 1n);
  expect(await renew()).toEqual([]);
});

test("the floor stays below an event whose transaction commits late", async () => {
  await late.db.execute(sql`begin`);
  const [early] = await insertEvent(late);
  await insertEvent(loms.pool, 2);
  await markAll();
  for (let renewals = 0; renewals < 3; renewals++) {
    expect(await renew()).toEqual([]);
    expect(await floor()).toBeLessThanOrEqual(early?.id as bigint);
  }
  await late.db.execute(sql`commit`);
  expect(await renew()).toEqual([early?.id]);
  await expectFloor(early?.id as bigint);
  await markAll();
  await expectFloor(early?.id as bigint + 2n);
});

test("the floor does not pass an earlier transaction that draws its id later", async () => {
  await late.db.execute(sql`begin`);
  await late.db.execute(sql`select pg_current_xact_id()`);
  await insertEvent(loms.pool);
  await markAll();
  await renew();
  const [drawn] = await insertEvent(late, 2);
  await renew();
  expect(await floor()).toBeLessThanOrEqual(drawn?.id as bigint);
  await late.db.execute(sql`commit`);
  expect(await renew()).toEqual([drawn?.id]);
});

test.each(["outbox", "stock_outbox"])(
  "an insert into %s draws its ids after its xid",
  async (table) => {
    const columns = table === "outbox"
      ? sql`order_id, user_id, seq, status`
      : sql`sku, available, total_count, kind`;
    const inserted = await loms.pool.db.execute<{ row: { status?: string; kind?: string } }>(sql`
      insert into ${sql.identifier(table)} as made (${columns}, at, traceparent)
      select 1, 1, 1,
        case when pg_current_xact_id_if_assigned() is null then 'too late' else 'in time' end,
        now(), 't'
      returning to_jsonb(made) as row`);
    expect(inserted[0]?.row.status ?? inserted[0]?.row.kind).toBe("in time");
    await loms.pool.db.execute(sql`delete from stock_outbox`);
  },
);

test("a sequence that was set back invalidates the floor and the cleaner's mark", async () => {
  await loms.pool.db.update(outboxLease).set({ floor: 1_000_000n, cleanedTo: 1_000_000n });
  const [event] = await insertEvent(loms.pool);
  expect(await renew()).toEqual([event?.id]);
  const [lease] = await loms.pool.db.select().from(outboxLease);
  expect(lease?.cleanedTo).toBe(1n);
});

test("the floor rises in a database that was copied from a server with more xids", async () => {
  await loms.pool.db.update(outboxLease).set({ drawnXid: 2n ** 60n });
  const [event] = await insertEvent(loms.pool);
  await markAll();
  await expectFloor(event?.id as bigint + 1n);
});

test("the cleaner begins at the oldest event left, and never above the floor", async () => {
  const clean = () =>
    cleanOutbox({
      ...{ outbox: ORDER_OUTBOX, pool: loms.pool, clock: systemClock, onError: () => {} },
      retentionMs: 0,
    });
  const cleanedTo = async () =>
    (await loms.pool.db.select().from(outboxLease))[0]?.cleanedTo as bigint;
  const [first] = await insertEvent(loms.pool);
  await expectFloor(first?.id as bigint);
  const [second] = await insertEvent(loms.pool);
  await markAll();
  expect(await clean()).toBe(2);
  expect(await cleanedTo()).toBe(first?.id);
  await insertEvent(loms.pool);
  await markAll();
  await expectFloor(second?.id as bigint + 2n);
  expect(await clean()).toBe(1);
  expect(await cleanedTo()).toBe(second?.id as bigint + 2n);
});
