import type { EventRow, Outbox } from "./outbox.ts";

/** About 5 MB; further events are left to the table. */
const WAITING_MAX = 10_000;
/** The same while the table has events, which would otherwise wait behind all new ones. */
const WAITING_BEHIND_MAX = 1_000;
/** Keys with a remembered last event: those of a minute, at 1000 orders a second. */
const KEYS_MAX = 50_000;

/** The events that a read of the table must omit, at its beginning. */
export interface Reading {
  readonly knownIds: readonly bigint[];
  /** The result of the read is invalid once the queue has been reset. */
  readonly round: number;
}

/**
 * The events that a relay will publish, in order: events read from the table, and events written by
 * this process that directly follow what is queued.
 */
export class EventQueue {
  readonly #placeOf: Outbox["placeOf"];
  #waiting: EventRow[] = [];
  /** Ids of events that wait, are being published, or would be returned by another read. */
  readonly #known = new Set<bigint>();
  /** Ids that the next read may return again if they are not marked. */
  #marked: bigint[] = [];
  /** The last event of each key that was enqueued since the last reset. */
  readonly #lastSeqs = new Map<bigint, number>();
  #round = 0;
  #isBehind = true;

  constructor({ placeOf }: Pick<Outbox, "placeOf">) {
    this.#placeOf = placeOf;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Whether the table may have events that are unknown here. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Records that there are such events. */
  fallBehind(): void {
    this.#isBehind = true;
  }

  /** Must be called before a read is sent; reads do not overlap. */
  beginRead(): Reading {
    this.#isBehind = false;
    for (const id of this.#marked) this.#known.delete(id);
    this.#marked = [];
    return { knownIds: [...this.#known], round: this.#round };
  }

  /** Adds an event written by this process, unless its predecessor may be missing. */
  offer(rows: readonly EventRow[]): void {
    for (const row of rows) {
      if (this.#known.has(row.id as bigint)) continue;
      if (this.#hasSpace() && this.#continues(row)) this.#enqueue(row);
      else this.#isBehind = true;
    }
  }

  /** Adds the events of a read, ascending by id. */
  add(rows: readonly EventRow[], { round }: Reading): void {
    if (round !== this.#round) return;
    for (const row of rows) {
      if (!this.#known.has(row.id as bigint)) this.#enqueue(row);
    }
  }

  /** Removes the first events, which the caller publishes. */
  take(max: number): readonly EventRow[] {
    return this.#waiting.splice(0, max);
  }

  /** Removes ids of published events after their marks were committed or failed. */
  marked(ids: readonly bigint[]): void {
    this.#marked.push(...ids);
  }

  /** Leaves the waiting events to the table, and the removed ones that were not published. */
  reset(unpublished: readonly EventRow[] = []): void {
    for (const { id } of [...unpublished, ...this.#waiting]) this.#known.delete(id as bigint);
    this.#waiting = [];
    this.#lastSeqs.clear();
    this.#round++;
    this.#isBehind = true;
  }

  #hasSpace(): boolean {
    return this.#waiting.length < (this.#isBehind ? WAITING_BEHIND_MAX : WAITING_MAX);
  }

  #continues(row: EventRow): boolean {
    const { key, seq } = this.#placeOf?.(row) ?? {};
    if (key === undefined || seq === undefined) return false;
    return seq === 1 || this.#lastSeqs.get(key) === seq - 1;
  }

  #enqueue(row: EventRow): void {
    this.#known.add(row.id as bigint);
    this.#waiting.push(row);
    const place = this.#placeOf?.(row);
    if (!place) return;
    this.#lastSeqs.delete(place.key);
    if (place.seq === undefined) return;
    this.#lastSeqs.set(place.key, place.seq);
    const [oldest] = this.#lastSeqs.keys();
    if (this.#lastSeqs.size > KEYS_MAX) this.#lastSeqs.delete(oldest as bigint);
  }
}
