import process from "node:process";
import { type LomsConfig, lomsConfig } from "../loms/config.ts";
import type { RequestContext } from "../shared/async/request-context.ts";
import { Pool } from "../shared/postgres/pool.ts";
import { backgroundContext } from "../shared/telemetry/tracing.ts";
import { wholeNumber } from "./tool.ts";

/** Rows that one run reads or moves, so that it stays short and its memory small. */
const MAX_DEFAULT = "1000";
const MAX_MAX = 100_000n;
/** Operators wait for it, and a lookup in a large, idle database is slow. */
const STATEMENT_TIMEOUT_MS = 10_000;

/** @throws {UsageError} if the text of `--max` is not a permitted number of rows */
export function readMax(text = MAX_DEFAULT): number {
  return Number(wholeNumber("--max", text, 1n, MAX_MAX));
}

/** Runs a task of a tool on the primary of loms, which it finds as loms does. */
export async function withLomsDatabase<Result>(
  applicationName: string,
  task: (pool: Pool, config: LomsConfig) => Promise<Result>,
): Promise<Result> {
  const config = lomsConfig(process.env);
  const pool = new Pool({
    url: config.DATABASE_URL,
    role: "primary",
    max: 1,
    applicationName,
    prepared: config.DATABASE_PREPARED_STATEMENTS,
  });
  try {
    return await task(pool, config);
  } finally {
    await pool.close();
  }
}

/** The context of one statement of a tool. */
export function statementContext(): RequestContext {
  return backgroundContext(STATEMENT_TIMEOUT_MS);
}
