import { type Clock, within } from "../../shared/async/clock.ts";
import { Loop } from "../../shared/async/loop.ts";
import { RequestContext } from "../../shared/async/request-context.ts";
import {
  type Bus,
  MessagesRefusedError,
  type OutgoingMessage,
  type Topic,
} from "../../shared/bus/bus.ts";
import { AppError } from "../../shared/errors.ts";
import type { DurableRunner, StatementRunner } from "../../shared/postgres/statement.ts";
import { childTraceparent, type SharedTrace, sharedTrace } from "../../shared/telemetry/tracing.ts";
import type { Outbox, RefusedEvent, TakenRow } from "./outbox.ts";

// Publishes an outbox. Invariant: what is published of a key is, after removal of repeats, its
// events in order without gaps.
//
//   1. take: get or renew the lease and read the oldest events that wait (one transaction)
//   2. publish them to the bus
//   3. note those that the bus refuses permanently: their rows stay in a table of refused ones
//   4. mark all of them as published, and release the lease when no more wait (one transaction)
//
// Death after 1: nothing was published; the next holder reads the same events once the lease ends.
// Death after 2 or 3: the next holder publishes the same events again, and notes the same refusals.
// Death after 4: nothing is left to do.
// A relay that hangs in 2 gives up before its lease ends. If the bus accepts that publish later, it
// repeats events that the next holder publishes as well.

/** Each batch has a fixed cost on the bus; larger batches wait for memory. */
const BATCH_MAX = 500;
const LEASE_MS = 10_000;
/** A statement and a publish end well before the lease. */
const STATEMENT_TIMEOUT_MS = 2_000;
const PUBLISH_TIMEOUT_MS = 5_000;
/** How long an event waits whose process died before it published it. */
const POLL_MS = 500;
/** The holder of the lease may be about to release it without having read our events. */
const LEASED_ELSEWHERE_MS = 50;
const BACKOFF_MS = 100;
const BACKOFF_MAX_MS = 2_000;

export interface RelayOptions {
  readonly outbox: Outbox;
  /**
   * Of the primary, for the lease: no event is published that the loss of the primary could undo.
   */
  readonly writes: DurableRunner;
  /** Of the primary, for writes that are repeated when they are lost with it. */
  readonly marks: StatementRunner;
  readonly bus: Pick<Bus, "publish">;
  readonly topic: Topic;
  readonly clock: Clock;
  /** A UUID that no other relay has. */
  readonly relayId: string;
  readonly onError: (error: unknown) => void;
  /** Called after each batch. */
  readonly onBatch?: (events: number, durationMs: number) => void;
  /** Called for each event that the bus refused permanently, once that is noted. */
  readonly onRefused?: (refused: RefusedEvent) => void;
}

export type RelayStep =
  /** `events` are marked; unless `drained`, more may wait. */
  | { readonly kind: "published"; readonly events: number; readonly drained: boolean }
  | { readonly kind: "drained" }
  /** Another relay has the lease. */
  | { readonly kind: "elsewhere" };

/** Several relays may run at once; one of them publishes at a time. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #loop: Loop;
  /** Whether this relay may have the lease. */
  #leased = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#loop = new Loop({
      clock: options.clock,
      step: async () => waitAfter(await this.step()),
      onError: options.onError,
      backoffMs: BACKOFF_MS,
      backoffMaxMs: BACKOFF_MAX_MS,
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** Starts the next step at once. */
  wake(): void {
    this.#loop.wake();
  }

  /** Waits for the step under way and releases the lease. */
  async close(): Promise<void> {
    await this.#loop.close();
    await this.#releaseLease();
  }

  /** Publishes one batch. Throws when the database or the bus fails. */
  async step(): Promise<RelayStep> {
    const { outbox, writes, marks, relayId, clock, onBatch } = this.#options;
    const startedAt = clock.now();
    const heldBefore = this.#leased;
    // Until the response arrives: it may be lost.
    this.#leased = true;
    const rows = await writes.run(outbox.take, [relayId, LEASE_MS, BATCH_MAX], this.#context());
    this.#leased = heldBefore;
    if (rows[0]?.state === "elsewhere") return { kind: "elsewhere" };
    if (rows[0]?.state !== "taken") {
      await this.#releaseLease();
      return { kind: "drained" };
    }
    this.#leased = true;
    let done: readonly TakenRow[];
    try {
      done = await this.#publishRows(rows);
    } catch (error) {
      // Perhaps another relay reaches the bus.
      await this.#releaseLease();
      throw error;
    }
    const drained = done.length < BATCH_MAX && done.length === rows.length;
    const served = sharedTrace(done.map(({ traceparent }) => traceparent as string));
    await marks.run(outbox.mark, [relayId, done.map(idOf), drained], this.#context(served));
    if (drained) this.#leased = false;
    onBatch?.(done.length, clock.now() - startedAt);
    return { kind: "published", events: done.length, drained };
  }

  /** Returns the rows, from the first on, that were published or refused permanently. */
  async #publishRows(rows: readonly TakenRow[]): Promise<readonly TakenRow[]> {
    const { outbox } = this.#options;
    try {
      await this.#publish(rows.map((row) => outbox.toMessage(row)));
      return rows;
    } catch (error) {
      if (!(error instanceof MessagesRefusedError)) throw error;
      await this.#noteRefused(rows, error);
      return rows.slice(0, error.tried);
    }
  }

  async #noteRefused(
    rows: readonly TakenRow[],
    { refused }: MessagesRefusedError,
  ): Promise<void> {
    const { outbox, marks, onRefused } = this.#options;
    const found = refused.map(({ index, reason }) => ({ row: rows[index] as TakenRow, reason }));
    const ids = found.map(({ row }) => idOf(row));
    const reasons = found.map(({ reason }) => reason);
    await marks.run(outbox.refuse, [ids, reasons], this.#context());
    for (const { row, reason } of found) onRefused?.({ ...outbox.nameOf(row), reason });
  }

  async #publish(messages: readonly OutgoingMessage[]): Promise<void> {
    const { bus, topic, clock } = this.#options;
    await within(clock, PUBLISH_TIMEOUT_MS, bus.publish(topic, messages), () => {
      throw new AppError("unavailable", `the bus did not accept ${messages.length} events in time`);
    });
  }

  async #releaseLease(): Promise<void> {
    if (!this.#leased) return;
    const { outbox, marks, relayId } = this.#options;
    this.#leased = false;
    try {
      await marks.run(outbox.mark, [relayId, [], true], this.#context());
    } catch {
      // The lease ends on its own.
    }
  }

  #context(trace: SharedTrace = polling()): RequestContext {
    const { clock } = this.#options;
    return new RequestContext({ ...trace, timeoutMs: STATEMENT_TIMEOUT_MS, clock });
  }
}

function polling(): SharedTrace {
  return { traceparent: childTraceparent(undefined), alsoServes: [] };
}

function waitAfter(step: RelayStep): number {
  switch (step.kind) {
    case "published":
      return step.drained ? POLL_MS : 0;
    case "drained":
      return POLL_MS;
    case "elsewhere":
      return LEASED_ELSEWHERE_MS;
  }
}

function idOf({ id }: TakenRow): bigint {
  return id as bigint;
}
