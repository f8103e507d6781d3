import type { Clock } from "../async/request-context.ts";
import type { Logger } from "./log.ts";

/** While a database is unavailable, several calls a second fail in the same way. */
const REPEAT_MS = 30_000;
/** Beyond this number of different messages, all are forgotten and logged again. */
const MESSAGES_MAX = 100;

export type ThrottledLog = (
  level: "warn" | "error",
  message: string,
  error?: unknown,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** Logs a failure, unless it logged the same message and error less than 30 s ago. */
export function throttledLog(log: Logger, clock: Clock): ThrottledLog {
  const lastAt = new Map<string, number>();
  return (level, message, error, fields) => {
    const reason = (error as { message?: unknown } | undefined)?.message;
    const key = `${message}: ${String(reason)}`;
    const now = clock.now();
    if (now - (lastAt.get(key) ?? -Infinity) < REPEAT_MS) return;
    if (lastAt.size >= MESSAGES_MAX) lastAt.clear();
    lastAt.set(key, now);
    log[level](message, { ...fields, ...(error !== undefined && { error }) });
  };
}
