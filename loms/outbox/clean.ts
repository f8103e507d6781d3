import { Loop } from "../../shared/async/loop.ts";
import type { Clock } from "../../shared/async/request-context.ts";
import type { StatementRunner } from "../../shared/postgres/statement.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import type { Outbox } from "./outbox.ts";

/** Long enough to investigate an incident; the history of orders is kept forever. */
export const OUTBOX_RETENTION_MS = 600_000;
/** Limits the duration of a delete, and of its locks, to a few milliseconds. */
const BATCH_MAX = 2_000;
const INTERVAL_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 5_000;
const BACKOFF_MS = 1_000;
const BACKOFF_MAX_MS = 30_000;

export interface OutboxCleanOptions {
  readonly outbox: Pick<Outbox, "clean">;
  /** A pool of the primary. */
  readonly pool: StatementRunner;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
  readonly retentionMs?: number;
}

/** Deletes one batch of events that were published long ago; returns their number. */
export async function cleanOutbox(options: OutboxCleanOptions): Promise<number> {
  const { outbox, pool, clock, retentionMs = OUTBOX_RETENTION_MS } = options;
  const context = backgroundContext(STATEMENT_TIMEOUT_MS, clock);
  const [row] = await pool.run(outbox.clean, [retentionMs, BATCH_MAX], context);
  return row?.deleted ?? 0;
}

/** Cleans in a loop; several processes may do so concurrently. */
export function outboxCleaner(options: OutboxCleanOptions): Loop {
  return new Loop({
    clock: options.clock,
    step: async () => await cleanOutbox(options) === BATCH_MAX ? 0 : INTERVAL_MS,
    onError: options.onError,
    backoffMs: BACKOFF_MS,
    backoffMaxMs: BACKOFF_MAX_MS,
  });
}
