import { basename, dirname } from "node:path";
import type postgres from "postgres";
import { type Clock, sleep, systemClock } from "../async/request-context.ts";
import { buildIndex, isConcurrentIndex, isLockConflict } from "./concurrent-index.ts";
import { describeTarget, readDatabaseUrl } from "./database-url.ts";
import { type Migration, readMigrations, readPreparation } from "./migration-files.ts";
import { openClient } from "./open-client.ts";
import { keepReplacedFunctions } from "./replaced-functions.ts";

// Brings a database to the newest migration:
//
//   1. Read which migrations are applied. If none is missing, stop.
//   2. On a database in use, prepare the next migration: build its indexes concurrently, and run
//      its other preparations as in 3.
//   3. In one transaction: take the lock, read again, apply and record the migration. On a database
//      in use, first rename the functions whose language it changes.
//
// An empty database gets all migrations in one transaction. One in use gets a transaction for each
// migration, so that no table stays locked during another migration. A process that dies leaves
// neither a lock nor half a migration, also behind a pooler. Migrations are recorded as drizzle-kit
// does, so that `drizzle-kit migrate` can continue with the same database.

/** The lock of every process of the project that migrates a database. */
const MIGRATION_LOCK = "7316402118";
const CONNECT_TIMEOUT_MS = 10_000;
/** Longer than any of our migrations; only a process that hangs reaches it. */
const GIVE_UP_MS = 600_000;
/**
 * Between attempts. A transaction that waits for a lock would block `create index concurrently`.
 */
const LOCK_POLL_MS = 200;
/** How long a migration waits for a table's lock; other statements queue behind it. */
const TABLE_LOCK_TIMEOUT_MS = 2_000;
/** Before the next attempt, so that those statements can run. */
const TABLE_PAUSE_MS = 2_000;
/** A role's own settings must not end a migration, or change its view of the database. */
const TRANSACTION = "isolation level read committed read write";
const SETTINGS =
  `set local statement_timeout = 0; set local lock_timeout = ${TABLE_LOCK_TIMEOUT_MS};
  set local idle_in_transaction_session_timeout = 0`;
/** SQLSTATEs of a table, or its schema, that does not exist. */
const MISSING = ["42P01", "3F000"];
const INSUFFICIENT_PRIVILEGE = "42501";

type Sql = Pick<postgres.Sql, "unsafe">;

export interface MigrateOptions {
  readonly url: string;
  /**
   * Holds the `.sql` files and `meta/_journal.json`, as in `drizzle/loms/migrations`. The parent
   * folder names the set: several sets can share a database, each with its own record of applied
   * migrations.
   */
  readonly folder: string;
  readonly clock?: Clock;
}

/**
 * Applies missing migrations. Concurrent processes do so one after another. A database that is up
 * to date is only read.
 * @throws {Error} naming the database and the reason
 */
export async function migrate({ url, folder, clock = systemClock }: MigrateOptions): Promise<void> {
  const migrations = readMigrations(folder);
  const table = `drizzle.${basename(dirname(folder))}_migrations`;
  const client = openClient({
    url,
    applicationName: "migrate",
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  }, {
    max: 1,
    max_lifetime: null,
    idle_timeout: 0,
    // A transaction must not continue, statement by statement, on another connection.
    onclose: () => void client.end({ timeout: 0 }),
  });
  try {
    const giveUpAt = clock.now() + GIVE_UP_MS;
    for (;;) {
      const newestAt = await newest(client, table);
      const toApply = missing(migrations, newestAt);
      if (toApply.length === 0) break;
      const database = { client, table, newestAt, clock };
      const applied = newestAt === undefined
        ? await runAlone(database, toApply.flatMap((each) => applying(table, each)))
        : await applyInUse(database, folder, toApply[0] as Migration);
      if (applied) continue;
      if (clock.now() > giveUpAt) throw new Error("a lock has been busy for ten minutes");
      await sleep(clock, LOCK_POLL_MS);
    }
  } catch (error) {
    throw new Error(`cannot migrate ${describeTarget(readDatabaseUrl(url))}: ${reasonOf(error)}`, {
      cause: error,
    });
  } finally {
    await client.end({ timeout: 5 });
  }
}

/** Creation time of the newest migration in a database; undefined for none. */
async function newest(sql: Sql, table: string): Promise<number | undefined> {
  try {
    const rows = await sql.unsafe<{ made_at: string | null }[]>(
      `select max(created_at)::text as made_at from ${table}`,
    );
    const madeAt = rows[0]?.made_at ?? undefined;
    return madeAt === undefined ? undefined : Number(madeAt);
  } catch (error) {
    if (MISSING.includes(String((error as { code?: unknown }).code))) return undefined;
    throw error;
  }
}

function missing(migrations: readonly Migration[], newestAt = -Infinity): readonly Migration[] {
  return migrations.filter(({ madeAt }) => madeAt > newestAt);
}

/** Prepares and applies one migration. @returns false as {@link runAlone} does */
async function applyInUse(
  database: Database,
  folder: string,
  migration: Migration,
): Promise<boolean> {
  const { client, table, clock } = database;
  const preparation = readPreparation(folder, migration);
  for (const statement of preparation.filter(isConcurrentIndex)) {
    await buildIndex(client, statement, clock);
  }
  const others = preparation.filter((statement) => !isConcurrentIndex(statement));
  if (others.length > 0 && !await runAlone(database, others)) return false;
  const statements = [...keepReplacedFunctions(migration), ...applying(table, migration)];
  return await runAlone(database, statements);
}

/** The statements that apply and record a migration. */
function applying(table: string, { statements, hash, madeAt }: Migration): readonly string[] {
  return [...statements, `insert into ${table} (hash, created_at) values ('${hash}', ${madeAt})`];
}

interface Database {
  readonly client: postgres.Sql;
  readonly table: string;
  /** Creation time of the newest migration of the database. */
  readonly newestAt: number | undefined;
  readonly clock: Clock;
}

/**
 * Runs statements in one transaction, unless the newest migration has changed.
 * @returns false if it has, if another process migrates, or if it holds a table's lock
 */
async function runAlone(
  { client, table, newestAt, clock }: Database,
  statements: readonly string[],
): Promise<boolean> {
  const running = client.begin(TRANSACTION, async (sql) => {
    const [lock] = await sql.unsafe<{ taken: boolean }[]>(
      `select pg_try_advisory_xact_lock(${MIGRATION_LOCK}) as taken`,
    );
    if (!lock?.taken) return false;
    await sql.unsafe(SETTINGS);
    await createTable(sql, table);
    if (await newest(sql, table) !== newestAt) return false;
    // One round trip. Statements of a query without parameters run one after the other.
    await sql.unsafe(statements.join("\n;\n"));
    return true;
  });
  try {
    return await running as boolean;
  } catch (error) {
    if (!isLockConflict(error)) throw error;
    await sleep(clock, TABLE_PAUSE_MS);
    return false;
  }
}

/**
 * As drizzle-kit creates it. `if not exists` is used only if needed, because it requires a
 * privilege.
 */
async function createTable(sql: Sql, table: string): Promise<void> {
  const [schema] = await sql.unsafe("select from pg_namespace where nspname = 'drizzle'");
  if (!schema) await sql.unsafe("create schema drizzle");
  const [found] = await sql.unsafe<{ there: boolean }[]>(
    `select to_regclass('${table}') is not null as there`,
  );
  if (found?.there) return;
  await sql.unsafe(
    `create table ${table} (id serial primary key, hash text not null, created_at bigint)`,
  );
}

function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: unknown };
  const hint = code === INSUFFICIENT_PRIVILEGE
    ? ". It lacks migrations: run npm run migrate as a role that may change its tables"
    : "";
  return `${message ?? String(error)}${hint}`;
}
