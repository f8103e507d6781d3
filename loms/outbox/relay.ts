import { Loop } from "../../shared/async/loop.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { DurableRunner } from "../../shared/postgres/statement.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import { Marker } from "./marker.ts";
import type { EventRow, Outbox } from "./outbox.ts";
import { Publisher, type PublisherOptions } from "./publisher.ts";
import { EventQueue } from "./queue.ts";

// Publishes an outbox. Invariant: without repeats, the published events of a key are in order and
// without gaps.
//
//   1. read: keep the lease and read the oldest waiting events (relay.ts)
//   2. queue them, in their order (queue.ts)
//   3. publish the first ones; record those that the bus refuses permanently (publisher.ts)
//   4. mark them as published (marker.ts)
//
// The steps run concurrently, each with one call at a time. If the process dies before 4 has
// committed, the next holder publishes the same events again and records the same refusals.
//
// The invariant does not depend on the lease, which only avoids repeats. Each relay enqueues an
// event after the earlier events of its key, unless their marks show that they are published. So
// each relay publishes a run of a key without gaps that begins at or before the first unpublished
// event. However these runs interleave, an event is first published after its predecessor. A relay
// discards its queue when a publish fails, and reads again.

/** If the holder is killed, events are delayed by this time plus one attempt of another relay. */
const LEASE_MS = 4_000;
/** Minimum rest of the lease after a read: see loms_outbox_hold. */
const HELD_MS = LEASE_MS * 2 / 3;
const STATEMENT_TIMEOUT_MS = 2_000;
/** Events per read. */
const READ_MAX = 500;
/** The batch that is being published and the next one. */
const QUEUED_MAX = 2 * READ_MAX;
/** How long an event waits if the relay is not notified. */
const POLL_MS = 1_000;
/** The same while another relay waits, because its process may write events. */
const AWAITED_POLL_MS = 150;
/** The same for this long after a read that returned events. */
const BUSY_POLL_MS = 30;
const BUSY_FOR_MS = 2_000;
/** The same after a read that returned many. */
const STREAM_POLL_MS = 10;
const STREAM_EVENTS = 5;
/** How often a relay tries to get the lease. */
const TRY_MS = 500;
const BACKOFF_MS = 100;
const BACKOFF_MAX_MS = 2_000;

export interface RelayOptions extends Omit<PublisherOptions, "queue" | "marker" | "onTaken"> {
  readonly outbox: Outbox;
  /** A pool of the primary: no event is published that the loss of the primary could undo. */
  readonly writes: DurableRunner;
  /** A unique UUID. */
  readonly relayId: string;
  readonly onError: (error: unknown) => void;
}

export type RelayStep =
  /** `events` were marked; unless `drained`, more may wait. */
  | { readonly kind: "published"; readonly events: number; readonly drained: boolean }
  | { readonly kind: "drained" }
  /** Another relay has the lease. */
  | { readonly kind: "elsewhere" };

const bringEvents = ([row]: readonly { readonly state: string }[]) => row?.state === "taken";

/** Several relays may run at once; the holder of the lease publishes. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #loop: Loop;
  readonly #queue: EventQueue;
  readonly #marker: Marker;
  readonly #publisher: Publisher;
  /** By the clock: the end of this relay's lease. */
  #heldUntil = -Infinity;
  /** Whether another relay had the lease at the last read. */
  #isElsewhere = false;
  #isAwaited = false;
  /** By the clock: the last time a read returned events. */
  #lastEventsAt = -Infinity;
  /** The number of events in the last read. */
  #readEvents = 0;
  /** A publish failed: until one succeeds, each read waits for its publish. */
  #isRecovering = false;

  constructor(options: RelayOptions) {
    const queue = this.#queue = new EventQueue(options.outbox);
    this.#options = options;
    this.#loop = new Loop({
      clock: options.clock,
      step: () => this.#advance(),
      onError: options.onError,
      backoffMs: BACKOFF_MS,
      backoffMaxMs: BACKOFF_MAX_MS,
    });
    this.#marker = new Marker({ ...options, queue });
    const onTaken = () => {
      if (this.#waitMs() === 0) this.#loop.wake();
    };
    this.#publisher = new Publisher({ ...options, queue, marker: this.#marker, onTaken });
  }

  start(): void {
    this.#loop.start();
  }

  /** Reports that the table has events; the holder of the lease reads them at once. */
  wake(): void {
    this.#queue.fallBehind();
    if (!this.#isElsewhere) this.#loop.wake();
  }

  /**
   * Publishes events that this process has written, if it has the lease. Their transaction has
   * committed and is on the replica.
   */
  offer(rows: readonly EventRow[]): void {
    if (this.#isRecovering || this.#options.clock.now() >= this.#heldUntil) {
      this.#queue.fallBehind();
      return;
    }
    this.#queue.offer(rows);
    this.#publish();
    if (this.#waitMs() === 0) this.#loop.wake();
  }

  /** Publishes what is queued, and releases the lease. */
  async close(): Promise<void> {
    await this.#loop.close();
    try {
      await this.#publisher.drain();
      await this.#marker.flush();
    } catch (error) {
      // The remaining events stay in the table.
      this.#options.onError(error);
    }
    await this.#release();
  }

  /** Reads once, publishes and marks. Throws if the database or the bus fails. */
  async step(): Promise<RelayStep> {
    if (!await this.#read()) return { kind: "elsewhere" };
    const events = await this.#publisher.drain().catch(async (error: unknown) => {
      // Another relay may reach the bus.
      await this.#release();
      throw error;
    });
    await this.#marker.flush();
    if (events === 0) return { kind: "drained" };
    return { kind: "published", events, drained: !this.#queue.isBehind };
  }

  async #advance(): Promise<number> {
    if (this.#isRecovering) {
      await this.step();
      this.#isRecovering = false;
    } else if (await this.#read()) {
      this.#publish();
    }
    return this.#waitMs();
  }

  #publish(): void {
    // The caller receives its failure.
    if (this.#publisher.isRunning) return;
    this.#publisher.drain().catch((error: unknown) => {
      this.#isRecovering = true;
      this.#options.onError(error);
      this.#loop.wake();
    });
  }

  /** Returns whether this relay has the lease. */
  async #read(): Promise<boolean> {
    const { outbox, writes, relayId, clock } = this.#options;
    const queue = this.#queue;
    const startedAt = clock.now();
    const reading = queue.beginRead();
    const max = Math.max(0, Math.min(READ_MAX, QUEUED_MAX - queue.length));
    const parameters = [relayId, LEASE_MS, reading.knownIds, max] as const;
    const rows = await writes.run(outbox.read, parameters, this.#context(), bringEvents)
      .catch((error: unknown) => {
        queue.fallBehind();
        // The response may be lost.
        this.#isElsewhere = false;
        throw error;
      });
    this.#isElsewhere = rows[0]?.state === "elsewhere";
    this.#isAwaited = rows[0]?.awaited ?? false;
    this.#heldUntil = this.#isElsewhere ? -Infinity : startedAt + HELD_MS;
    if (this.#isElsewhere) {
      queue.reset();
      return false;
    }
    const taken = rows.filter(({ state }) => state === "taken");
    queue.add(taken, reading);
    this.#readEvents = taken.length;
    if (taken.length > 0) this.#lastEventsAt = clock.now();
    if (taken.length >= max) queue.fallBehind();
    return true;
  }

  async #release(): Promise<void> {
    if (this.#isElsewhere) return;
    const { outbox, marks, relayId } = this.#options;
    this.#heldUntil = -Infinity;
    try {
      await marks.run(outbox.mark, [relayId, [], true], this.#context());
    } catch {
      // The lease expires.
    }
  }

  /** The time until the next read. */
  #waitMs(): number {
    if (this.#isElsewhere) return TRY_MS;
    if (this.#queue.isBehind && this.#queue.length <= QUEUED_MAX - READ_MAX) return 0;
    if (!this.#isAwaited) return POLL_MS;
    if (this.#readEvents >= STREAM_EVENTS) return STREAM_POLL_MS;
    const isBusy = this.#options.clock.now() - this.#lastEventsAt < BUSY_FOR_MS;
    return isBusy ? BUSY_POLL_MS : AWAITED_POLL_MS;
  }

  #context(): RequestContext {
    return backgroundContext(STATEMENT_TIMEOUT_MS, this.#options.clock);
  }
}
