import type { EventRow, Outbox } from "./outbox.ts";

/** About 5 MB; what comes beyond it is left to the table. */
const WAITING_MAX = 10_000;
/** The same while the table has events, which would wait behind all new ones otherwise. */
const WAITING_BEHIND_MAX = 1_000;
/** Keys whose last event is remembered: those of a minute, at 1000 orders a second. */
const KEYS_MAX = 50_000;

/** What a read of the table must not bring, as of its beginning. */
export interface Reading {
  readonly knownIds: readonly bigint[];
  /** What it brings is void once the queue has been reset. */
  readonly round: number;
}

/**
 * The events that a relay is to publish, in their order: what the table brought, and what this
 * process has written itself as far as it follows what is queued already.
 */
export class EventQueue {
  readonly #placeOf: Outbox["placeOf"];
  #waiting: EventRow[] = [];
  /** Ids of the events that wait or are being published, or that a read would bring once more. */
  readonly #known = new Set<bigint>();
  /** Those that the next read may bring again if they are not marked. */
  #marked: bigint[] = [];
  /** The last event of each key that was enqueued here, since the last reset. */
  readonly #lastSeqs = new Map<bigint, number>();
  #round = 0;
  #isBehind = true;

  constructor({ placeOf }: Pick<Outbox, "placeOf">) {
    this.#placeOf = placeOf;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Whether the table may have events that are not known here. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** There are such events. */
  fallBehind(): void {
    this.#isBehind = true;
  }

  /** To be called before a read is sent; one follows the other. */
  beginRead(): Reading {
    this.#isBehind = false;
    for (const id of this.#marked) this.#known.delete(id);
    this.#marked = [];
    return { knownIds: [...this.#known], round: this.#round };
  }

  /** Adds what this process has written; an event whose predecessor may be missing is not. */
  offer(rows: readonly EventRow[]): void {
    for (const row of rows) {
      if (this.#known.has(row.id as bigint)) continue;
      if (this.#hasRoom() && this.#continues(row)) this.#enqueue(row);
      else this.#isBehind = true;
    }
  }

  /** Adds what a read brought, ascending by id. */
  add(rows: readonly EventRow[], { round }: Reading): void {
    if (round !== this.#round) return;
    for (const row of rows) {
      if (!this.#known.has(row.id as bigint)) this.#enqueue(row);
    }
  }

  /** Removes the first events; the caller publishes them. */
  take(max: number): readonly EventRow[] {
    return this.#waiting.splice(0, max);
  }

  /** The ids of published events whose marks are committed, or failed. */
  marked(ids: readonly bigint[]): void {
    this.#marked.push(...ids);
  }

  /** Leaves to the table what waits, and of what was taken the events that are not published. */
  reset(unpublished: readonly EventRow[] = []): void {
    for (const { id } of [...unpublished, ...this.#waiting]) this.#known.delete(id as bigint);
    this.#waiting = [];
    this.#lastSeqs.clear();
    this.#round++;
    this.#isBehind = true;
  }

  #hasRoom(): boolean {
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
