import postgres from "postgres";
import { ignorePgVariables } from "../../shared/postgres/ignore-pg-variables.ts";

const CONNECT_TIMEOUT_S = 10;
/** SQLSTATE of `create database` if another process has just created it. */
const DUPLICATE_DATABASE = "42P04";

/** The launcher's statements on a server, as its superuser. */
export type Admin = ReturnType<typeof openAdmin>;

/** Opens one lazy connection. Ignores libpq's variables, as the services do. */
export function openAdmin(url: string) {
  ignorePgVariables();
  const sql = postgres(url, {
    max: 1,
    fetch_types: false,
    connect_timeout: CONNECT_TIMEOUT_S,
    onnotice: () => {},
    connection: { application_name: "stack" },
  });
  return {
    /** Creates a database unless it exists. */
    async createDatabase(name: string, template = "template0"): Promise<void> {
      try {
        // With fsync off, file_copy is as fast as wal_log, and the drop takes half the time.
        await sql`
          create database ${sql(name)} template ${sql(template)}
          strategy file_copy`.simple();
      } catch (error) {
        if ((error as { code?: unknown }).code !== DUPLICATE_DATABASE) throw error;
      }
    },
    async dropDatabase(name: string): Promise<void> {
      await sql`drop database if exists ${sql(name)} with (force)`.simple();
    },
    async databaseNames(): Promise<string[]> {
      const rows = await sql<{ name: string }[]>`select datname as name from pg_database`;
      return rows.map((row) => row.name);
    },
    /** Drops those of these replication slots that exist. */
    async dropSlots(names: readonly string[]): Promise<void> {
      await sql`
        select pg_drop_replication_slot(slot_name) from pg_replication_slots
        where slot_name = any (string_to_array(${names.join(",")}, ','))`;
    },
    /** Creates missing slots; each keeps the WAL from then on. */
    async createSlots(names: readonly string[]): Promise<void> {
      await sql`
        select pg_create_physical_replication_slot(name, true)
        from unnest(string_to_array(${names.join(",")}, ',')) as name
        where not exists (select from pg_replication_slots where slot_name = name)`;
    },
    /** Slots of standbys that missed more WAL than the primary keeps. */
    async lostSlots(): Promise<string[]> {
      const rows = await sql<{ name: string }[]>`
        select slot_name as name from pg_replication_slots where wal_status = 'lost'`;
      return rows.map((row) => row.name);
    },
    /** Standbys that commits currently wait for. */
    async synchronousStandbys(): Promise<string[]> {
      const rows = await sql<{ name: string }[]>`
        select application_name as name from pg_stat_replication where sync_state = 'sync'`;
      return rows.map((row) => row.name);
    },
    close: (): Promise<void> => sql.end({ timeout: 1 }),
  };
}
