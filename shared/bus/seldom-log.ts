import type { Clock } from "../async/clock.ts";
import type { Logger } from "../telemetry/log.ts";

/** A database that is away fails several calls a second; one line in this time says enough. */
const REPEAT_MS = 30_000;
/** Different messages remembered; past that, all are forgotten and may be said again. */
const MESSAGES_MAX = 100;

export type SeldomLog = (level: "warn" | "error", message: string, error?: unknown) => void;

/** Logs a failure, unless one with the same messages was logged a short time ago. */
export function seldomLog(log: Logger, clock: Clock): SeldomLog {
  const lastAt = new Map<string, number>();
  return (level, message, error) => {
    const reason = (error as { message?: unknown } | undefined)?.message;
    const key = `${message}: ${String(reason)}`;
    const now = clock.now();
    if (now - (lastAt.get(key) ?? -Infinity) < REPEAT_MS) return;
    if (lastAt.size >= MESSAGES_MAX) lastAt.clear();
    lastAt.set(key, now);
    log[level](message, error === undefined ? {} : { error });
  };
}
