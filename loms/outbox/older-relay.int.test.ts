import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { outbox, stockOutbox } from "../../drizzle/loms/schema.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { openWriterFixture, type WriterFixture } from "../repository/writer-fixture.ts";

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

beforeEach(async () => {
  await loms.pool.db.delete(outbox);
  await loms.pool.db.delete(stockOutbox);
});

async function take(from: "loms_outbox_take_reasons" | "loms_stock_outbox_take", relay: string) {
  const rows = await loms.pool.db.execute<{ state: string; id: string | null }>(sql`
    select state, id from ${sql.raw(from)}(${relay}::uuid, 10000, 500, 'local')`);
  return rows.map(({ state, id }) => ({ state, hasEvent: id !== null }));
}

test.each(["loms_outbox_take_reasons", "loms_stock_outbox_take"] as const)(
  "%s() takes the lease only of an outbox with waiting events",
  async (from) => {
    const [idle, older, newer] = [randomUUID(), randomUUID(), randomUUID()];
    expect(await take(from, idle)).toEqual([{ state: "drained", hasEvent: false }]);
    const sku = await loms.addStock(1);
    await loms.create([{ sku, count: 1 }]);
    const taken = await take(from, older);
    expect(taken).toContainEqual({ state: "taken", hasEvent: true });
    expect(await take(from, newer)).toEqual([{ state: "elsewhere", hasEvent: false }]);
    expect(await take(from, older)).toEqual(taken);
  },
);
