import { type Clock, within } from "../../shared/async/request-context.ts";
import { type Bus, MessagesRefusedError, type Topic } from "../../shared/bus/bus.ts";
import { AppError } from "../../shared/errors.ts";
import type { StatementRunner } from "../../shared/postgres/statement.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import type { Marker } from "./marker.ts";
import type { EventRow, Outbox, RefusedEvent } from "./outbox.ts";
import type { EventQueue } from "./queue.ts";

/** Messages per publish. A publish has a fixed cost; larger ones use more memory. */
const BATCH_MAX = 500;
const PUBLISH_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 2_000;

export interface PublisherOptions {
  readonly outbox: Pick<Outbox, "refuse" | "toMessage" | "nameOf">;
  /** A pool of the primary. */
  readonly marks: StatementRunner;
  readonly bus: Pick<Bus, "publish">;
  readonly topic: Topic;
  readonly clock: Clock;
  readonly queue: EventQueue;
  readonly marker: Pick<Marker, "add">;
  /** Called after each publish. */
  readonly onBatch?: ((events: number, durationMs: number) => void) | undefined;
  /** Called for each permanently refused event, after it was recorded. */
  readonly onRefused?: ((refused: RefusedEvent) => void) | undefined;
  /** Called when the queue has shrunk. */
  readonly onTaken: () => void;
}

/** Publishes the events of a queue, one batch after another. */
export class Publisher {
  readonly #options: PublisherOptions;
  #running: Promise<number> | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /**
   * Resolves once the queue is empty, with the number of events that were published or permanently
   * refused. Throws errors of the bus; all other events are then left to the table.
   */
  drain(): Promise<number> {
    if (this.#running === undefined && this.#options.queue.length === 0) return Promise.resolve(0);
    return this.#running ??= this.#drain();
  }

  async #drain(): Promise<number> {
    const { queue, onTaken } = this.#options;
    let events = 0;
    try {
      while (queue.length > 0) {
        const rows = queue.take(BATCH_MAX);
        onTaken();
        events += await this.#publishRows(rows);
      }
    } finally {
      this.#running = undefined;
    }
    return events;
  }

  async #publishRows(rows: readonly EventRow[]): Promise<number> {
    const { marker, clock, onBatch } = this.#options;
    const startedAt = clock.now();
    let done = rows;
    try {
      await this.#publish(rows);
    } catch (error) {
      done = await this.#settle(rows, error);
    }
    marker.add(done);
    onBatch?.(done.length, clock.now() - startedAt);
    return done.length;
  }

  /** Returns the events that the bus stored or refused; later ones are left to the table. */
  async #settle(rows: readonly EventRow[], error: unknown): Promise<readonly EventRow[]> {
    const { queue, onTaken } = this.#options;
    let tried = 0;
    try {
      if (!(error instanceof MessagesRefusedError)) throw error;
      await this.#noteRefused(rows, error);
      tried = error.tried;
    } finally {
      // Later events of a key list its refused ones, so they must be read again.
      queue.reset(rows.slice(tried));
    }
    onTaken();
    return rows.slice(0, tried);
  }

  async #noteRefused(
    rows: readonly EventRow[],
    { refused }: MessagesRefusedError,
  ): Promise<void> {
    const { outbox, marks, clock, onRefused } = this.#options;
    const found = refused.map(({ index, reason }) => ({ row: rows[index] as EventRow, reason }));
    const ids = found.map(({ row }) => row.id as bigint);
    const context = backgroundContext(STATEMENT_TIMEOUT_MS, clock);
    await marks.run(outbox.refuse, [ids, found.map(({ reason }) => reason)], context);
    for (const { row, reason } of found) onRefused?.({ ...outbox.nameOf(row), reason });
  }

  async #publish(rows: readonly EventRow[]): Promise<void> {
    const { bus, topic, clock, outbox } = this.#options;
    const messages = rows.map((row) => outbox.toMessage(row));
    await within(clock, PUBLISH_TIMEOUT_MS, bus.publish(topic, messages), () => {
      throw new AppError("unavailable", `the bus did not accept ${rows.length} events in time`);
    });
  }
}
