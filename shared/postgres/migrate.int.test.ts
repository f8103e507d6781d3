import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import { expect, onTestFinished, test } from "vitest";
import { testDatabase } from "../../stack/test/database.ts";
import { migrate } from "./migrate.ts";
import { Pool } from "./pool.ts";

function migrationsOf(set: string): string {
  return fileURLToPath(new URL(`../../drizzle/${set}/migrations`, import.meta.url));
}

test("migrate() brings two sets into one database, also from processes that start at once", async () => {
  const database = await testDatabase("empty");
  const url = database.primaryUrl;
  const pool = new Pool({
    url,
    role: "primary",
    max: 1,
    applicationName: "look",
    statementTimeoutMs: 5_000,
  });
  onTestFinished(async () => {
    await pool.close();
    await database.drop();
  });
  const sets = ["loms", "notifier", "loms", "notifier"];
  await Promise.all(sets.map((set) => migrate({ url, folder: migrationsOf(set) })));
  const [row] = await pool.db.execute(sql`
    select to_regclass('orders') is not null as loms,
      to_regclass('notifier.last_shown') is not null as notifier`);
  expect(row).toEqual({ loms: true, notifier: true });
});
