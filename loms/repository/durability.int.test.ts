import { type SQL, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { COMMIT_PROBE } from "./statements.ts";
import { openWriterFixture, testContext, type WriterFixture } from "./writer-fixture.ts";

let database: TestDatabase;
let loms: WriterFixture;

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl, { connections: 1 });
});

afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});

/** The value of a setting in the transaction of a call, after the call. */
async function settingAfter(call: SQL, name: string): Promise<string | undefined> {
  const [row] = await loms.pool.db.execute<{ value: string }>(sql`
    with called as materialized (select count(*) as answers from ${call})
    select current_setting(${name}) as value from called where answers >= 0`);
  return row?.value;
}

function durabilityOf(call: SQL): Promise<string | undefined> {
  return settingAfter(call, "synchronous_commit");
}

const RELAY = "00000000-0000-4000-8000-000000000000";
const CALLS = {
  loms_stock_change: (durability: string) =>
    sql`loms_stock_change('once', 'received', 'test', array[1002]::int8[], array[1]::int8[], 't',
      ${durability})`,
  loms_order_create_durable: (durability: string) =>
    sql`loms_order_create_durable(array[7]::int8[], array[null]::text[], array['t'], array[1],
      array[1002]::int8[], array[1], 1000, 20, ${durability})`,
  loms_order_change_durable: (durability: string) =>
    sql`loms_order_change_durable(array[1]::int8[], array['t'], 'payed', ${durability})`,
  loms_order_change_from: (durability: string) =>
    sql`loms_order_change_from(array[1]::int8[], array['t'], 'payed', array['failed'],
      ${durability})`,
  loms_expire_orders_durable: (durability: string) =>
    sql`loms_expire_orders_durable(1, 't', 1000, ${durability})`,
  loms_outbox_take_durable: (durability: string) =>
    sql`loms_outbox_take_durable(${RELAY}::uuid, 1000, 1, ${durability})`,
  loms_stock_outbox_take: (durability: string) =>
    sql`loms_stock_outbox_take(${RELAY}::uuid, 1000, 1, ${durability})`,
  loms_outbox_take_events: (durability: string) =>
    sql`loms_outbox_take_events(${RELAY}::uuid, 1000, 1, ${durability})`,
  loms_outbox_read: (durability: string) =>
    sql`loms_outbox_read(${RELAY}::uuid, 1000, array[]::int8[], 1, ${durability})`,
  loms_stock_outbox_read: (durability: string) =>
    sql`loms_stock_outbox_read(${RELAY}::uuid, 1000, array[]::int8[], 1, ${durability})`,
};

test.each(Object.entries(CALLS))(
  "%s() sets how its transaction commits",
  async (_name, call) => {
    for (const durability of ["remote_apply", "local"]) {
      expect(await durabilityOf(call(durability))).toBe(durability);
    }
  },
);

test.each(Object.entries(CALLS))("%s() waits at most 10 s for a lock", async (_name, call) => {
  expect(await settingAfter(call("local"), "lock_timeout")).toBe("10s");
});

test.each([
  sql`loms_outbox_mark(${RELAY}::uuid, array[1]::int8[], true)`,
  sql`loms_outbox_clean(1000, 10)`,
  sql`loms_stock_outbox_mark(${RELAY}::uuid, array[1]::int8[], true)`,
  sql`loms_stock_outbox_clean(1000, 10)`,
])("functions without a waiting caller commit on the primary alone", async (call) => {
  expect(await durabilityOf(call)).toBe("local");
  expect(await settingAfter(call, "lock_timeout")).toBe("10s");
});

test("the probe's commit waits for replay, whatever the server's default", async () => {
  const [row] = await loms.pool.run(COMMIT_PROBE, [], testContext());
  expect(row?.durability).toBe("remote_apply");
});

const OLDER_CALLS = {
  loms_order_create: sql`loms_order_create(array[7]::int8[], array[null]::text[], array['t'],
    array[1], array[1002]::int8[], array[1], 1000, 20)`,
  loms_order_change: sql`loms_order_change(array[1]::int8[], array['t'], 'payed')`,
  loms_expire_orders: sql`loms_expire_orders(1, 't')`,
  loms_outbox_take: sql`loms_outbox_take(${RELAY}::uuid, 1000, 1)`,
};

test.each(Object.entries(OLDER_CALLS))(
  "%s() of an older loms keeps the durability of the session",
  async (_name, call) => {
    for (const durability of ["remote_apply", "local"]) {
      const [row] = await loms.pool.db.execute<{ durability: string }>(sql`
        with session as materialized (
          select set_config('synchronous_commit', ${durability}, true)
        ), called as materialized (select count(*) as answers from session cross join ${call})
        select current_setting('synchronous_commit') as durability from called
        where answers >= 0`);
      expect(row?.durability).toBe(durability);
    }
  },
);

test("the setting ends with its transaction", async () => {
  const before = await loms.pool.db.execute(sql`show synchronous_commit`);
  await durabilityOf(CALLS.loms_outbox_take_durable("local"));
  expect([...await loms.pool.db.execute(sql`show synchronous_commit`)]).toEqual([...before]);
});
