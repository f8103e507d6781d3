import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { testDatabase } from "../../stack/test/database.ts";
import { migrate } from "./migrate.ts";
import { openClient } from "./open-client.ts";

function migrationsOf(set: string): string {
  return fileURLToPath(new URL(`../../drizzle/${set}/migrations`, import.meta.url));
}

/** A database and a client with `max` connections. */
async function emptyDatabase(max = 1) {
  const database = await testDatabase("empty");
  const url = database.primaryUrl;
  const client = openClient({ url, applicationName: "look", connectTimeoutMs: 5_000 }, { max });
  onTestFinished(async () => {
    await client.end({ timeout: 1 });
    await database.drop();
  });
  return { url, client };
}

test("migrate() applies two sets to one database, also concurrently", async () => {
  const { url, client } = await emptyDatabase();
  const sets = ["loms", "notifier", "loms", "notifier"];
  await Promise.all(sets.map((set) => migrate({ url, folder: migrationsOf(set) })));
  const [row] = await client.unsafe(`
    select to_regclass('orders') is not null as loms,
      to_regclass('notifier.last_shown') is not null as notifier`);
  expect(row).toEqual({ loms: true, notifier: true });
});

test("migrate() only reads a database that is up to date", async () => {
  const { url, client } = await emptyDatabase();
  const folder = migrationsOf("notifier");
  await migrate({ url, folder });
  await client.unsafe("select pg_advisory_lock(7316402118)");
  // Neither takes the lock, which is held, nor starts a transaction that writes.
  await migrate({ url: `${url}?options=-c%20default_transaction_read_only%3Don`, folder });
});

test("migrate() waits for another one, without delaying a concurrent index build", async () => {
  const { url, client } = await emptyDatabase(2);
  await client.unsafe("create table things (id int)");
  const waiting = await client.begin(async (other) => {
    await other.unsafe("select pg_advisory_xact_lock(7316402118)");
    const migrating = migrate({ url, folder: migrationsOf("notifier") });
    await expect.poll(() =>
      client.unsafe(
        `select from pg_stat_activity where application_name = 'migrate' and state = 'idle'
          and datname = current_database()`,
      )
    ).toHaveLength(1);
    // It waits for every transaction that started before.
    await client.unsafe("set statement_timeout = '15s'");
    await client.unsafe("create index concurrently on things (id)");
    return { migrating };
  });
  await waiting.migrating;
  expect(await client.unsafe("select from notifier.last_shown")).toEqual([]);
});

test("migrate() rolls back a migration that fails", async () => {
  const { url, client } = await emptyDatabase();
  await client.unsafe("create table outbox ()");
  await expect(migrate({ url, folder: migrationsOf("loms") }))
    .rejects.toThrow(/^cannot migrate 127.0.0.1:.*: relation "outbox" already exists$/);
  expect(await client.unsafe("select to_regclass('orders') as orders")).toEqual([{ orders: null }]);
});
