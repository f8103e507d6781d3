import { type SQL, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { openWriterFixture, testContext, type WriterFixture } from "./writer-fixture.ts";

let database: TestDatabase;
let loms: WriterFixture;

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl);
});

afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});

/** A transaction without an xid writes no commit record, and so waits for no replica. */
async function writesACommit(call: SQL): Promise<boolean> {
  const [row] = await loms.pool.db.execute<{ id: string | null }>(
    sql`select (select count(*) from ${call}) as answers,
      pg_current_xact_id_if_assigned()::text as id`,
  );
  return row?.id !== null;
}

test("the outcome of a repeated key waits for the replica", async () => {
  const sku = await loms.addStock(10);
  await loms.create([{ sku, count: 1 }], "key");
  const again = sql`loms_order_create(
    array[7]::int8[], array['key'], array['t'], array[1], array[${sku}]::int8[], array[1], 1000, 20
  )`;
  expect(await writesACommit(again)).toBe(true);
});

test("a pay or cancel that changes nothing waits for the replica", async () => {
  const sku = await loms.addStock(10);
  const [outcome] = await loms.create([{ sku, count: 1 }]);
  if (outcome?.kind !== "created") throw new Error("not created");
  const { orderId } = outcome;
  await loms.writer.orderPay([{ orderId, traceparent: "t" }], testContext());
  for (const target of ["payed", "cancelled"]) {
    const change = sql`loms_order_change(
      array[${orderId}]::int8[], array['t'], ${target})`;
    expect([target, await writesACommit(change)]).toEqual([target, true]);
  }
});

test("the first answer of a repeated reference waits for the replica", async () => {
  const change = sql`loms_stock_change('note', 'received', 'test', array[1002]::int8[],
    array[1]::int8[], 't', 'remote_apply')`;
  await loms.pool.db.execute(sql`select from ${change}`);
  expect(await writesACommit(change)).toBe(true);
});

test("idle polls write nothing", async () => {
  await loms.pool.db.execute(sql`delete from outbox`);
  expect(await writesACommit(sql`loms_expire_orders(10, 't')`)).toBe(false);
  expect(await writesACommit(sql`loms_outbox_take(gen_random_uuid(), 1000, 10)`))
    .toBe(false);
  const read = sql`loms_outbox_read('00000000-0000-4000-8000-000000000000', 60000,
    array[]::int8[], 10, 'remote_apply')`;
  expect(await writesACommit(read), "takes the lease").toBe(true);
  expect(await writesACommit(read)).toBe(false);
});

test("a relay's read waits for the replica", async () => {
  const relay = "00000000-0000-4000-8000-000000000000";
  const sku = await loms.addStock(10);
  await loms.create([{ sku, count: 1 }]);
  expect(
    await writesACommit(sql`loms_outbox_read(${relay}, 60000, array[]::int8[], 10,
      'remote_apply')`),
  ).toBe(true);
});
