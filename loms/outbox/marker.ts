import { type Clock, RequestContext } from "../../shared/async/request-context.ts";
import type { StatementRunner } from "../../shared/postgres/statement.ts";
import { type SharedTrace, sharedTrace } from "../../shared/telemetry/tracing.ts";
import type { EventRow, Outbox } from "./outbox.ts";
import type { EventQueue } from "./queue.ts";

/** Events per statement. */
const MARKS_MAX = 1_000;
/** How long a published event waits for others to share its statement. */
const MARK_AFTER_MS = 75;
const STATEMENT_TIMEOUT_MS = 2_000;

export interface MarkerOptions {
  readonly outbox: Pick<Outbox, "mark">;
  /** A pool of the primary. */
  readonly marks: StatementRunner;
  readonly queue: Pick<EventQueue, "marked">;
  readonly clock: Clock;
  readonly relayId: string;
  readonly onError: (error: unknown) => void;
}

/**
 * Marks published events, many in one statement. No publish waits for it. Failed marks are not
 * retried, because another server may be the primary by then, with other events under those ids.
 * The events are then published again.
 */
export class Marker {
  readonly #options: MarkerOptions;
  readonly #rows: EventRow[] = [];
  #running: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(options: MarkerOptions) {
    this.#options = options;
  }

  add(rows: readonly EventRow[]): void {
    if (rows.length === 0) return;
    this.#rows.push(...rows);
    this.#startIn(this.#rows.length < MARKS_MAX ? MARK_AFTER_MS : 0);
  }

  /** Resolves once everything is marked. Throws errors of the database. */
  async flush(): Promise<void> {
    while (this.#running || this.#rows.length > 0) await (this.#running ??= this.#run());
  }

  #startIn(delayMs: number): void {
    if (this.#running || (this.#cancelTimer && delayMs > 0)) return;
    const start = () => void (this.#running ??= this.#run()).catch(this.#options.onError);
    if (delayMs === 0) start();
    else this.#cancelTimer = this.#options.clock.setTimer(delayMs, start);
  }

  /** Marks the events that have arrived so far. */
  async #run(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    try {
      for (let left = this.#rows.length; left > 0; left -= MARKS_MAX) await this.#markSome();
    } finally {
      this.#running = undefined;
      if (this.#rows.length > 0) this.#startIn(MARK_AFTER_MS);
    }
  }

  async #markSome(): Promise<void> {
    const { outbox, marks, queue, clock, relayId } = this.#options;
    const rows = this.#rows.splice(0, MARKS_MAX);
    const trace = sharedTrace(rows.map(({ traceparent }) => traceparent as string)) as SharedTrace;
    const context = new RequestContext({ ...trace, timeoutMs: STATEMENT_TIMEOUT_MS, clock });
    const ids = rows.map(({ id }) => id as bigint);
    await marks.run(outbox.mark, [relayId, ids, false], context).finally(() => queue.marked(ids));
  }
}
