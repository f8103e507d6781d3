import { AppError } from "../errors.ts";
import type { RequestContext } from "../async/request-context.ts";
import { defineStatement, type StatementRunner } from "./statement.ts";

/** How this account's transactions begin, and the names for the sentence that changes it. */
export const TRANSACTION_DEFAULTS = defineStatement({
  name: "transaction_defaults",
  kind: "select",
  text: `select current_setting('default_transaction_isolation') as isolation,
      current_setting('default_transaction_read_only') as read_only,
      quote_ident(current_user) as account, quote_ident(current_database()) as database`,
  parameters: [],
  columns: { isolation: "text", read_only: "text", account: "text", database: "text" },
});

/**
 * Each of our statements is a transaction of its own, which begins as the server's defaults say. At
 * a higher isolation level than `read committed` statements that meet on one row fail, and under
 * load more of them than retries make up for. `setting` names where the database's URL is from.
 * @throws {AppError} `failed_precondition` with the sentence that changes the default
 */
export async function checkDefaults(
  pool: StatementRunner,
  setting: string,
  context: RequestContext,
): Promise<void> {
  const [row] = await pool.run(TRANSACTION_DEFAULTS, [], context);
  if (!row) return;
  const { isolation, read_only: readOnly, account, database } = row;
  const remedy = (name: string, value: string) =>
    `say ALTER ROLE ${account} IN DATABASE ${database} SET ${name} = '${value}', and start again`;
  // PostgreSQL treats both as the same level.
  if (isolation !== "read committed" && isolation !== "read uncommitted") {
    throw new AppError(
      "failed_precondition",
      `the database of ${setting} has default_transaction_isolation '${isolation}', at which ` +
        `concurrent writes fail: ${remedy("default_transaction_isolation", "read committed")}`,
    );
  }
  if (readOnly === "on") {
    throw new AppError(
      "failed_precondition",
      `the database of ${setting} has default_transaction_read_only 'on', and refuses writes: ` +
        remedy("default_transaction_read_only", "off"),
    );
  }
}
