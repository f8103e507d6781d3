import { AppError } from "../errors.ts";
import type { RequestContext } from "../async/request-context.ts";
import { defineStatement, type StatementRunner } from "./statement.ts";

/**
 * The defaults of this account's transactions, and the names for the statement that changes them.
 */
const TRANSACTION_DEFAULTS = defineStatement({
  name: "transaction_defaults",
  kind: "select",
  text: `select current_setting('default_transaction_isolation') as isolation,
      current_setting('default_transaction_read_only') as read_only,
      quote_ident(current_user) as account, quote_ident(current_database()) as database`,
  parameters: [],
  columns: { isolation: "text", read_only: "text", account: "text", database: "text" },
});

/**
 * Each of our statements is a transaction, which uses the server's defaults. At an isolation level
 * above `read committed`, concurrent statements on one row fail, under load more often than retries
 * can handle. `setting` is the variable of the database's URL.
 * @throws {AppError} `failed_precondition` with the statement that changes the default
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
    `run ALTER ROLE ${account} IN DATABASE ${database} SET ${name} = '${value}', and start again`;
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
