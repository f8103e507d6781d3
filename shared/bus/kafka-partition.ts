import type { KafkaMessage } from "kafkajs";

/** First wait after a handler threw; doubles with each further throw. */
const FIRST_BACKOFF_MS = 100;
const BACKOFF_MAX_MS = 5_000;

/**
 * What this member knows of a partition beyond the committed offset: messages that are done but lie
 * behind one that is not, and how often the undone ones were tried. Both stay within one fetch,
 * since every fetch starts at the first message that is not done.
 */
export class PartitionProgress {
  readonly #done = new Set<string>();
  readonly #failures = new Map<string, number>();

  isDone(offset: string): boolean {
    return this.#done.has(offset);
  }

  /** 1 for a message that has not been tried here. */
  attempt(offset: string): number {
    return (this.#failures.get(offset) ?? 0) + 1;
  }

  finish(offset: string): void {
    this.#done.add(offset);
    this.#failures.delete(offset);
  }

  fail(offset: string): void {
    this.#failures.set(offset, this.attempt(offset));
  }

  /** The last of the messages that are done from the first on. */
  lastInRow(messages: readonly KafkaMessage[]): string | undefined {
    let last: string | undefined;
    for (const { offset } of messages) {
      if (!this.#done.has(offset)) break;
      last = offset;
    }
    return last;
  }

  /** They are committed up to `last` and will not be fetched again. */
  forget(messages: readonly KafkaMessage[], last: string): void {
    for (const { offset } of messages) {
      this.#done.delete(offset);
      if (offset === last) return;
    }
  }

  /** How long until the message that waits the least may be tried again; undefined when none does. */
  backoffMs(): number | undefined {
    if (this.#failures.size === 0) return undefined;
    const fewest = Math.min(...this.#failures.values());
    return Math.min(FIRST_BACKOFF_MS * 2 ** (fewest - 1), BACKOFF_MAX_MS);
  }
}
