import type { TakenRow } from "./outbox.ts";

/** What a read of the table must not bring, as of its beginning. */
export interface Reading {
  readonly knownIds: readonly bigint[];
  /** What it brings is void once the queue has been reset. */
  readonly round: number;
}

/** The events that a relay is to publish, in their order. */
export class EventQueue {
  #waiting: TakenRow[] = [];
  /** Ids of the events that wait or are being published, or that a read would bring once more. */
  readonly #known = new Set<bigint>();
  /** Those that the next read will see as marked. */
  #marked: bigint[] = [];
  #round = 0;
  #isBehind = true;

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

  /** Adds what a read brought, ascending by id. */
  add(rows: readonly TakenRow[], { round }: Reading): void {
    if (round !== this.#round) return;
    for (const row of rows) {
      if (!this.#known.has(row.id as bigint)) this.#enqueue(row);
    }
  }

  /** Removes the first events; the caller publishes them. */
  take(max: number): readonly TakenRow[] {
    return this.#waiting.splice(0, max);
  }

  /** The ids of published events whose marks are committed. */
  marked(ids: readonly bigint[]): void {
    this.#marked.push(...ids);
  }

  /** Leaves to the table what waits, and of what was taken the events that are not published. */
  reset(unpublished: readonly TakenRow[] = []): void {
    for (const { id } of [...unpublished, ...this.#waiting]) this.#known.delete(id as bigint);
    this.#waiting = [];
    this.#round++;
    this.#isBehind = true;
  }

  #enqueue(row: TakenRow): void {
    this.#known.add(row.id as bigint);
    this.#waiting.push(row);
  }
}
