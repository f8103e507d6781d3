/** SQLSTATEs about the text of a message: U+0000, half a surrogate pair, more than jsonb holds. */
const REFUSALS = ["22P02", "22P05", "54000"];

/** Why the database refuses a message for good; undefined when another try may help. */
export function postgresRefusal(error: unknown): string | undefined {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return REFUSALS.includes(String(code)) ? String(message) : undefined;
}
