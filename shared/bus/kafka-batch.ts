import type { EachBatchPayload, KafkaMessage } from "kafkajs";
import type { Clock } from "../async/clock.ts";
import { sleep } from "../async/sleep.ts";
import { keyOf, type Place } from "./kafka-messages.ts";

/** Handlers that run at once in a partition, each for a different key. */
const KEYS_AT_ONCE = 100;
/** kafkajs treats an error with one of these names as a bug and stops the consumer permanently. */
const FATAL_NAMES = ["TypeError", "SyntaxError", "RangeError", "ReferenceError"];

export interface BatchOptions {
  readonly payload: EachBatchPayload;
  readonly progress: PartitionProgress;
  /** Resolves with true when the message was processed or dead-lettered. Never rejects. */
  readonly deliver: (message: KafkaMessage, place: Place, attempt: number) => Promise<boolean>;
  readonly closing: AbortSignal;
  readonly clock: Clock;
  /** The interval of heartbeats and of commits. */
  readonly heartbeatMs: number;
}

/**
 * The messages of one partition from one fetch. Keys are handled concurrently, each in order; a
 * message that fails stops only its key. Meanwhile heartbeats keep the membership, and offsets are
 * committed up to the first unprocessed message. When the group rebalances, no more handlers start,
 * so a partition moves to another member only after its handlers have ended.
 */
export class KafkaBatch {
  readonly #options: BatchOptions;
  #interruption: unknown;
  /** The last offset that was committed. */
  #committed: string | undefined;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  /** Rejects with the error that interrupted it, in a form that kafkajs recovers from. */
  async run(): Promise<void> {
    const { payload, progress, closing } = this.#options;
    const queues = messagesByKey(payload.batch.messages).values();
    const over = new AbortController();
    const beating = this.#beat(over.signal);
    await Promise.all(Array.from({ length: KEYS_AT_ONCE }, () => this.#work(queues)));
    over.abort();
    await beating;
    await this.#commit().catch((error: unknown) => this.#interruption ??= error);
    if (this.#committed !== undefined) progress.forget(payload.batch.messages, this.#committed);
    // While the consumer stops, there is nothing to recover: uncommitted messages are redelivered.
    if (this.#interruption !== undefined && !closing.aborted) throw recoverable(this.#interruption);
  }

  /** Each worker takes the next per-key queue from the shared iterator. */
  async #work(queues: IterableIterator<KafkaMessage[]>): Promise<void> {
    for (const queue of queues) {
      for (const message of queue) {
        if (!await this.#finish(message)) break;
      }
    }
  }

  async #finish(message: KafkaMessage): Promise<boolean> {
    const { payload, progress, deliver } = this.#options;
    const { offset } = message;
    if (progress.isDone(offset)) return true;
    if (this.#mustStop()) return false;
    const { topic, partition } = payload.batch;
    const done = await deliver(message, { topic, partition, offset }, progress.attempt(offset));
    if (done) progress.finish(offset);
    else progress.fail(offset);
    return done;
  }

  #mustStop(): boolean {
    const { payload, closing } = this.#options;
    return this.#interruption !== undefined || closing.aborted || !payload.isRunning() ||
      payload.isStale();
  }

  async #beat(over: AbortSignal): Promise<void> {
    const { payload, clock, heartbeatMs } = this.#options;
    while (true) {
      const waited = await sleep(clock, heartbeatMs, over).then(() => true, () => false);
      if (!waited) return;
      try {
        await this.#commit();
        await payload.heartbeat();
      } catch (error) {
        this.#interruption = error;
        return;
      }
    }
  }

  /**
   * Commits to the broker first, then advances the position of kafkajs. After a failed commit the
   * messages are fetched again, skipped as processed, and committed then.
   */
  async #commit(): Promise<void> {
    const { payload, progress } = this.#options;
    const { topic, partition, messages } = payload.batch;
    const last = progress.lastContiguous(messages);
    if (last === undefined || last === this.#committed) return;
    const offset = String(BigInt(last) + 1n);
    // consumer.commitOffsets() does nothing once the consumer is stopping.
    await payload.commitOffsetsIfNecessary({
      topics: [{ topic, partitions: [{ partition, offset }] }],
    });
    payload.resolveOffset(last);
    this.#committed = last;
  }
}

/** The per-key queues of the messages. */
function messagesByKey(messages: readonly KafkaMessage[]): Map<string, KafkaMessage[]> {
  return Map.groupBy(messages, keyOf);
}

function recoverable(error: unknown): Error {
  if (error instanceof Error && !FATAL_NAMES.includes(error.name)) return error;
  return new Error("Cannot finish a batch", { cause: error });
}

/** Delay after the first failure of a handler; doubles with each further one. */
const FIRST_BACKOFF_MS = 100;
const BACKOFF_MAX_MS = 5_000;

/**
 * What this member knows of a partition beyond the committed offset: messages processed ahead of an
 * unprocessed one, and the failures of the unprocessed ones. Both are bounded by one fetch, because
 * every fetch starts at the first unprocessed message.
 */
export class PartitionProgress {
  readonly #done = new Set<string>();
  readonly #failures = new Map<string, number>();

  isDone(offset: string): boolean {
    return this.#done.has(offset);
  }

  /** 1 for a message that this member has not tried. */
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

  /** The offset up to which all messages are done; undefined when the first is not. */
  lastContiguous(messages: readonly KafkaMessage[]): string | undefined {
    let last: string | undefined;
    for (const { offset } of messages) {
      if (!this.#done.has(offset)) break;
      last = offset;
    }
    return last;
  }

  /** Drops the messages up to `last`: they are committed and will not be fetched again. */
  forget(messages: readonly KafkaMessage[], last: string): void {
    for (const { offset } of messages) {
      this.#done.delete(offset);
      if (offset === last) return;
    }
  }

  /** The shortest backoff of all failed messages, in ms; undefined when there are none. */
  backoffMs(): number | undefined {
    if (this.#failures.size === 0) return undefined;
    const fewest = Math.min(...this.#failures.values());
    return Math.min(FIRST_BACKOFF_MS * 2 ** (fewest - 1), BACKOFF_MAX_MS);
  }
}
