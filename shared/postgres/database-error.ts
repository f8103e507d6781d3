import { AppError } from "../errors.ts";

/** Error codes of the driver: the connection could not be opened, or was lost. */
const CONNECTION_CODES = new Set([
  "CANNOT_CONNECT",
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "ENOENT",
]);

/** SQLSTATEs: https://www.postgresql.org/docs/18/errcodes-appendix.html */
const QUERY_CANCELED = "57014";
const SERIALIZATION_FAILURE = "40001";
const DEADLOCK_DETECTED = "40P01";
/**
 * Connection exceptions, too many connections and other missing resources, operator intervention
 * (shutdown, starting up), system errors, and a standby where a primary was expected.
 */
const UNAVAILABLE_STATES = /^(08|53|57|58)|^(25006|40001|40P01|55P03)$/;

/**
 * Errors that a statement's own values or locks can cause: data exceptions, constraint violations,
 * conflicts, errors raised by a function, and locks that were not free in time.
 */
const STATEMENT_STATES = /^(22|23|40|P0)|^55P03$/;

/** The driver's code. drizzle wraps the driver's errors, and adds no code. */
function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  const found = code ?? cause?.code;
  return typeof found === "string" ? found : "";
}

/** The SQLSTATE with which the server refused; undefined for every other failure. */
export function sqlStateOf(error: unknown): string | undefined {
  const { name, cause } = (error ?? {}) as { name?: unknown; cause?: { name?: unknown } };
  return [name, cause?.name].includes("PostgresError") ? codeOf(error) : undefined;
}

/** Whether the database did not answer, as opposed to refusing. */
export function isConnectionError(error: unknown): boolean {
  const cause = error instanceof AppError ? error.cause : error;
  const code = codeOf(cause);
  return CONNECTION_CODES.has(code) || /^(08|57P)/.test(code);
}

/** Whether the statement was rolled back because of concurrent ones, and can be retried. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error instanceof AppError ? error.cause : error);
  return code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED;
}

/**
 * Whether the server rolled the statement back because of its values or of the rows that it
 * touches: nothing was written, and a part of the statement might succeed.
 */
export function isOwnFault(error: unknown): boolean {
  const state = sqlStateOf(error instanceof AppError ? error.cause : error);
  return state !== undefined && STATEMENT_STATES.test(state);
}

/**
 * Converts a failure of the database, as opposed to one of the statement itself, to an AppError.
 */
export function toDatabaseError(error: unknown, statement: string): unknown {
  if (error instanceof AppError) return error;
  const code = codeOf(error);
  if (code === QUERY_CANCELED) {
    return new AppError("deadline_exceeded", `${statement} took too long`, { cause: error });
  }
  if (CONNECTION_CODES.has(code) || UNAVAILABLE_STATES.test(code)) {
    return new AppError("unavailable", `the database is unavailable for ${statement}`, {
      cause: error,
    });
  }
  return error;
}
