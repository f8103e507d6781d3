import { basename, dirname } from "node:path";
import { drizzle } from "drizzle-orm/postgres-js";
import { migrate as applyMigrations } from "drizzle-orm/postgres-js/migrator";
import postgres from "postgres";

/** Every process of the project that migrates waits for this one lock of the database. */
const MIGRATION_LOCK = 7_316_402_118n;
const CONNECT_TIMEOUT_S = 10;
/** Longer than any migration of ours takes, so that only a stuck process runs into it. */
const LOCK_TIMEOUT_MS = 60_000;

export interface MigrateOptions {
  readonly url: string;
  /**
   * Holds the `.sql` files and `meta/_journal.json`, as in `drizzle/loms/migrations`. The folder
   * above names the set: sets may share a database, and each remembers by itself what was applied.
   */
  readonly folder: string;
}

/**
 * Brings the database to the newest migration. Processes that start together do it one after the
 * other: drizzle's migrator takes no lock of its own, and two at once run the same statements.
 */
export async function migrate({ url, folder }: MigrateOptions): Promise<void> {
  // One connection: the lock belongs to a session, and its loss must not outlive the lock.
  const client = postgres(url, {
    max: 1,
    fetch_types: false,
    connect_timeout: CONNECT_TIMEOUT_S,
    max_lifetime: null,
    idle_timeout: 0,
    onnotice: () => {},
    onclose: () => void client.end({ timeout: 0 }),
    connection: { application_name: "migrate", lock_timeout: LOCK_TIMEOUT_MS },
  });
  try {
    await client`select pg_advisory_lock(${String(MIGRATION_LOCK)}::int8)`;
    await applyMigrations(drizzle(client), {
      migrationsFolder: folder,
      migrationsTable: `${basename(dirname(folder))}_migrations`,
    });
  } finally {
    // The end of the session frees the lock.
    await client.end({ timeout: 5 });
  }
}
