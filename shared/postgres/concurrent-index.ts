import type postgres from "postgres";
import { type Clock, sleep } from "../async/request-context.ts";
import { sqlStateOf } from "./database-error.ts";

type Sql = Pick<postgres.Sql, "unsafe">;

const CONCURRENT_INDEX = /^create index concurrently if not exists "(\w+)" on "(\w+)"/m;
const POLL_MS = 500;
/** SQLSTATEs of a lock that was not available in time, and of a deadlock. */
const LOCK_CONFLICTS = ["55P03", "40P01"];
/** SQLSTATEs if another process has just created the object. */
const CREATED_MEANWHILE = ["42P07", "23505"];

/** The error of a second process that drops the same index; it has no SQLSTATE of its own. */
const INTERNAL = "XX000";
const CONCURRENT = /tuple concurrently (updated|deleted)/;

/** Whether a statement failed because of another session's locks and can be repeated. */
export function isLockConflict(error: unknown): boolean {
  return LOCK_CONFLICTS.includes(sqlStateOf(error) ?? "");
}

/** Whether a statement builds an index without a lock; it cannot run in a transaction. */
export function isConcurrentIndex(statement: string): boolean {
  return CONCURRENT_INDEX.test(statement);
}

/**
 * Builds an index. Several processes may do so concurrently: they wait for an index that another
 * one builds, without a transaction that would block it.
 */
export async function buildIndex(sql: Sql, statement: string, clock: Clock): Promise<void> {
  const [, index = "", table = ""] = CONCURRENT_INDEX.exec(statement) ?? [];
  while (!await isValid(sql, index, table, clock)) {
    try {
      await sql.unsafe(statement);
      return;
    } catch (error) {
      const isExpected = isLockConflict(error) ||
        CREATED_MEANWHILE.includes(sqlStateOf(error) ?? "");
      if (!isExpected) throw error;
      await sleep(clock, POLL_MS);
    }
  }
}

/**
 * Whether an index exists and is complete; waits while it is being built. Drops an index with an
 * interrupted build: `if not exists` would accept it, and queries would not use it.
 */
async function isValid(sql: Sql, index: string, table: string, clock: Clock): Promise<boolean> {
  let wasInvalid = false;
  for (;;) {
    const { isValid, isBuilding } = await stateOf(sql, index, table);
    if (isBuilding) {
      wasInvalid = false;
      await sleep(clock, POLL_MS);
    } else if (isValid === false && !wasInvalid) {
      // A statement sees newer locks than rows: a build may have ended in between.
      wasInvalid = true;
    } else {
      if (isValid === false) await drop(sql, index);
      return isValid === true;
    }
  }
}

/** A vacuum holds the same lock as a build, and yields. */
async function stateOf(sql: Sql, index: string, table: string) {
  const [state] = await sql.unsafe<{ valid: boolean | null; building: boolean }[]>(
    `select (
        select indisvalid from pg_index where indexrelid = to_regclass('${index}')
      ) as valid,
      exists (
        select from pg_locks
        where relation = to_regclass('${table}') and mode = 'ShareUpdateExclusiveLock'
          and database = (select oid from pg_database where datname = current_database())
          and pid not in (select pid from pg_stat_progress_vacuum)
      ) as building`,
  );
  return { isValid: state?.valid, isBuilding: state?.building === true };
}

async function drop(sql: Sql, index: string): Promise<void> {
  try {
    await sql.unsafe(`drop index concurrently if exists "${index}"`);
  } catch (error) {
    const isDroppedMeanwhile = sqlStateOf(error) === INTERNAL && CONCURRENT.test(String(error));
    if (!isDroppedMeanwhile && !isLockConflict(error)) throw error;
  }
}
