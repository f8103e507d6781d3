import { sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { backgroundContext } from "../telemetry/tracing.ts";
import { checkDefaults } from "./check-defaults.ts";
import { Pool } from "./pool.ts";

let database: TestDatabase;
const pools: Pool[] = [];

beforeEach(async () => {
  database = await testDatabase("empty");
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  await database.drop();
});

/** A pool with new sessions. */
function open(): Pool {
  const pool = new Pool({
    url: database.primaryUrl,
    role: "primary",
    max: 1,
    applicationName: "test",
  });
  pools.push(pool);
  return pool;
}

const context = () => backgroundContext(5_000);
const check = () => checkDefaults(open(), "DATABASE_URL", context());
const name = () => new URL(database.primaryUrl).pathname.slice(1);

test("a database with PostgreSQL's own defaults passes", async () => {
  await check();
});

test.each([
  ["default_transaction_isolation", "serializable", "read committed"],
  ["default_transaction_isolation", "repeatable read", "read committed"],
  ["default_transaction_read_only", "on", "off"],
])("%s = %s is refused, with the statement that corrects it", async (setting, value, correct) => {
  await open().db.execute(sql.raw(`alter database ${name()} set ${setting} = '${value}'`));
  const remedy = `ALTER ROLE postgres IN DATABASE ${name()} SET ${setting} = '${correct}'`;
  await expect(check()).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining(`'${value}'`),
  });
  await expect(check()).rejects.toThrow(remedy);
  const admin = open();
  await admin.db.execute(sql`set default_transaction_read_only = off`);
  await admin.db.execute(sql.raw(remedy));
  await check();
});
