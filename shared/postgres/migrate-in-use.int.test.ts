import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { testDatabase } from "../../stack/test/database.ts";
import { migrate } from "./migrate.ts";
import { readMigrations, readPreparation } from "./migration-files.ts";
import { openClient } from "./open-client.ts";

const FOLDER = fileURLToPath(new URL("../../drizzle/loms/migrations", import.meta.url));
const OPENING = "0011_stock-opening";
const SKU = 1_148_162;

interface Journal {
  entries: { readonly tag: string }[];
}

/** A copy of loms' migrations that ends before `tag`. */
function migrationsBefore(tag: string): string {
  const directory = mkdtempSync(join(tmpdir(), "marketplace-migrations-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const folder = join(directory, "loms", "migrations");
  cpSync(FOLDER, folder, { recursive: true });
  const file = join(folder, "meta", "_journal.json");
  const journal = JSON.parse(readFileSync(file, "utf8")) as Journal;
  const end = journal.entries.findIndex((entry) => entry.tag === tag);
  const entries = journal.entries.slice(0, end);
  writeFileSync(file, JSON.stringify({ ...journal, entries }));
  return folder;
}

/** A database with the migrations before `tag`. */
async function migratedBefore(tag: string) {
  const database = await testDatabase("empty");
  const url = database.primaryUrl;
  const client = openClient({ url, applicationName: "look", connectTimeoutMs: 5_000 }, { max: 2 });
  onTestFinished(async () => {
    await client.end({ timeout: 1 });
    await database.drop();
  });
  await migrate({ url, folder: migrationsBefore(tag) });
  return { url, client };
}

/** A database with the migrations before `tag`, and 30 orders of one unit, ten of them payed. */
async function databaseBefore(tag: string) {
  const { url, client } = await migratedBefore(tag);
  await client.unsafe(`
    select loms_order_create_durable(array_fill(1::bigint, array[30]),
      array_fill(null::text, array[30]), array_fill(''::text, array[30]),
      array(select generate_series(1, 30)), array_fill(${SKU}::bigint, array[30]),
      array_fill(1, array[30]), 600000, 20, 'local')`);
  const pay = (first: number, last: number) =>
    client.unsafe(`
      select loms_order_change_from(array(select generate_series(${first}, ${last})::bigint),
        array_fill(''::text, array[${last - first + 1}]), 'payed', array['awaiting payment'],
        'local')`);
  await pay(1, 10);
  return { url, client, pay };
}

type Client = Awaited<ReturnType<typeof databaseBefore>>["client"];

async function run(client: Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await client.unsafe(statement);
}

const openingOf = (client: Client) =>
  client.unsafe(
    `select kind, count::int, total_count::int from stock_movements where sku = ${SKU}`,
  );

test("concurrent processes migrate a database in use to the newest version", async () => {
  const { url, client } = await databaseBefore("0010_shop");
  await Promise.all([migrate({ url, folder: FOLDER }), migrate({ url, folder: FOLDER })]);
  expect(await openingOf(client)).toEqual([{ kind: "opening", count: 300, total_count: 290 }]);
  expect(
    await client.unsafe(
      "select indisvalid as valid from pg_index where indexrelid = 'orders_user'::regclass",
    ),
  ).toEqual([{ valid: true }]);
});

test("concurrent processes that draft the sold units leave no draft", async () => {
  const { url, client } = await databaseBefore(OPENING);
  await Promise.all([migrate({ url, folder: FOLDER }), migrate({ url, folder: FOLDER })]);
  expect(await openingOf(client)).toEqual([{ kind: "opening", count: 300, total_count: 290 }]);
  expect(await client.unsafe("select to_regclass('stock_opening_draft') as draft"))
    .toEqual([{ draft: null }]);
});

test("an index with an interrupted build is rebuilt", async () => {
  const { url, client } = await databaseBefore("0010_shop");
  await client.unsafe(`create index "orders_user" on orders (user_id)`);
  await client.unsafe(
    "update pg_index set indisvalid = false where indexrelid = 'orders_user'::regclass",
  );
  await migrate({ url, folder: FOLDER });
  expect(
    await client.unsafe(
      "select indisvalid as valid, indnatts::int as columns from pg_index " +
        "where indexrelid = 'orders_user'::regclass",
    ),
  ).toEqual([{ valid: true, columns: 2 }]);
});

test.each(["0006_order-create-durability", "0010_shop", "0015_functions"])(
  "no function that a call may have found changes its language, from before %s",
  async (tag) => {
    const { url, client } = await migratedBefore(tag);
    const languages = () =>
      client.unsafe<{ oid: number; language: string }[]>(`
        select function.oid, language.lanname as language
        from pg_proc function join pg_language language on language.oid = function.prolang
        where function.pronamespace = 'public'::regnamespace`);
    const before = await languages();
    await migrate({ url, folder: FOLDER });
    expect(await languages()).toEqual(expect.arrayContaining(before));
  },
);

test("a migration waits for a table without blocking later statements for long", async () => {
  const { url, client } = await databaseBefore("0010_shop");
  const migrating = await client.begin(async (reader) => {
    await reader.unsafe("select count(*) from orders");
    const migrating = migrate({ url, folder: FOLDER });
    const blocked = () =>
      client.unsafe(`select from pg_locks where relation = 'orders'::regclass
        and mode = 'AccessExclusiveLock' and not granted`);
    await expect.poll(blocked).toHaveLength(1);
    await expect.poll(blocked).toHaveLength(0);
    return { migrating };
  });
  await migrating.migrating;
  expect(await openingOf(client)).toHaveLength(1);
});

test.each([
  // Orders in the draft are not read again.
  ["a recent draft", "delete from order_items where order_id <= 5"],
  ["an old draft", "update stock_opening_draft set drafted_at = now() - interval '6 min'"],
  [
    "a draft from before the clock stepped back",
    "update stock_opening_draft set drafted_at = now() + interval '1 min'",
  ],
  ["no draft", "drop table stock_opening_draft"],
])("the opening movements count later payments once, with %s", async (_, change) => {
  const { client, pay } = await databaseBefore(OPENING);
  const migration = readMigrations(FOLDER).find(({ tag }) => tag === OPENING);
  if (!migration) throw new Error(`${OPENING} is missing`);
  // Payed long ago, and removed from the outbox.
  await client.unsafe("update orders set changed_at = now() - interval '1 h' where order_id <= 5");
  await client.unsafe("delete from outbox where order_id <= 5");
  await run(client, readPreparation(FOLDER, migration));
  await pay(11, 17);
  // A replay puts events back.
  await client.unsafe(`insert into outbox (order_id, user_id, seq, status, at, traceparent)
    select order_id, 1, seq, status, at, '' from order_events where order_id in (1, 6, 11)`);
  await client.unsafe(change);
  await run(client, migration.statements);
  expect(await openingOf(client)).toEqual([{ kind: "opening", count: 300, total_count: 283 }]);
  expect(await client.unsafe("select to_regclass('stock_opening_draft') as draft"))
    .toEqual([{ draft: null }]);
});
