import type postgres from "postgres";
import { openClient } from "../../shared/postgres/open-client.ts";

const CONNECT_TIMEOUT_MS = 10_000;

/** A snapshot of a database. */
export type Snapshot = postgres.TransactionSql;

export function openDatabase(url: string): postgres.Sql {
  const applicationName = "invariants";
  return openClient({ url, applicationName, connectTimeoutMs: CONNECT_TIMEOUT_MS }, { max: 1 });
}

/** Calls `read` with a read-only snapshot of the database. */
export async function inSnapshot<Result>(
  database: postgres.Sql,
  read: (snapshot: Snapshot) => Promise<Result>,
): Promise<Result> {
  const result = await database.begin("isolation level repeatable read read only", read);
  return result as Result;
}

/** A list as a parameter; for its own arrays the driver would have to query types. */
export function textArray(values: readonly (bigint | number | string)[]): string {
  return `{${values.map((value) => `"${String(value).replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`;
}
