import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { functionFiles } from "./function-migration.ts";
import { stocks } from "./loms/schema.ts";
import stock from "./stock-data.json" with { type: "json" };
import { Pool } from "../shared/postgres/pool.ts";
import { testDatabase } from "../stack/test/database.ts";

const FUNCTIONS = fileURLToPath(new URL("loms/functions", import.meta.url));

async function withMigrated(work: (pool: Pool) => Promise<void>): Promise<void> {
  const database = await testDatabase("loms");
  const pool = new Pool({
    url: database.primaryUrl,
    role: "primary",
    max: 1,
    applicationName: "test",
  });
  try {
    await work(pool);
  } finally {
    await pool.close();
    await database.drop();
  }
}

test("the migrated schema has the functions of the files, and no others", () =>
  withMigrated(async ({ db }) => {
    const definitions = async () => [
      ...await db.execute<{ name: string; text: string }>(sql`
        select proname as name, pg_get_functiondef(oid) as text from pg_proc
        where pronamespace = 'public'::regnamespace order by proname`),
    ];
    const migrated = await definitions();
    const functions = functionFiles(FUNCTIONS);
    expect(migrated.map(({ name }) => name)).toEqual([...functions.keys()].toSorted());
    for (const text of functions.values()) await db.execute(sql.raw(text));
    expect(await definitions()).toEqual(migrated);
  }));

test("the migrated schema has the stock of stock-data.json", () =>
  withMigrated(async ({ db }) => {
    const rows = await db.select().from(stocks).orderBy(stocks.sku);
    expect(rows).toEqual(
      stock.toSorted((a, b) => a.sku - b.sku).map((row) => ({
        sku: row.sku,
        totalCount: BigInt(row.total_count),
        reserved: BigInt(row.reserved),
      })),
    );
  }));
