import postgres from "postgres";
import { ignorePgVariables } from "../../shared/postgres/ignore-pg-variables.ts";

const CONNECT_TIMEOUT_S = 10;
/** SQLSTATE of `create database` when another process was faster. */
const DUPLICATE_DATABASE = "42P04";

/** The launcher's own statements on a server, as its superuser. */
export interface Admin {
  /** Creates a database if there is none of that name. */
  createDatabase(name: string, template?: string): Promise<void>;
  dropDatabase(name: string): Promise<void>;
  databaseNames(): Promise<string[]>;
  /** Drops the replication slots of these names that exist. */
  dropSlots(names: readonly string[]): Promise<void>;
  /** Creates the slots that are missing; each keeps the WAL from now on. */
  createSlots(names: readonly string[]): Promise<void>;
  /** Slots whose standby missed more WAL than the primary keeps. */
  lostSlots(): Promise<string[]>;
  /** Standbys that commits wait for at this moment. */
  synchronousStandbys(): Promise<string[]>;
  close(): Promise<void>;
}

/** Opens one lazy connection. It ignores libpq's variables, as the services do. */
export function openAdmin(url: string): Admin {
  ignorePgVariables();
  const sql = postgres(url, {
    max: 1,
    fetch_types: false,
    connect_timeout: CONNECT_TIMEOUT_S,
    onnotice: () => {},
    connection: { application_name: "stack" },
  });
  return {
    async createDatabase(name, template) {
      try {
        // With fsync off, file_copy is as fast as wal_log, and the drop takes half the time.
        await sql`
          create database ${sql(name)} template ${sql(template ?? "template0")}
          strategy file_copy`.simple();
      } catch (error) {
        if ((error as { code?: unknown }).code !== DUPLICATE_DATABASE) throw error;
      }
    },
    async dropDatabase(name) {
      await sql`drop database if exists ${sql(name)} with (force)`.simple();
    },
    async databaseNames() {
      const rows = await sql<{ name: string }[]>`select datname as name from pg_database`;
      return rows.map((row) => row.name);
    },
    async dropSlots(names) {
      await sql`
        select pg_drop_replication_slot(slot_name) from pg_replication_slots
        where slot_name = any (string_to_array(${names.join(",")}, ','))`;
    },
    async createSlots(names) {
      await sql`
        select pg_create_physical_replication_slot(name, true)
        from unnest(string_to_array(${names.join(",")}, ',')) as name
        where not exists (select from pg_replication_slots where slot_name = name)`;
    },
    async lostSlots() {
      const rows = await sql<{ name: string }[]>`
        select slot_name as name from pg_replication_slots where wal_status = 'lost'`;
      return rows.map((row) => row.name);
    },
    async synchronousStandbys() {
      const rows = await sql<{ name: string }[]>`
        select application_name as name from pg_stat_replication where sync_state = 'sync'`;
      return rows.map((row) => row.name);
    },
    close: () => sql.end({ timeout: 1 }),
  };
}
