import type { EachBatchPayload, KafkaMessage } from "kafkajs";
import { systemClock } from "../async/clock.ts";
import { sleep } from "../async/sleep.ts";
import type { Outcome } from "./deliver.ts";
import { keyOf } from "./kafka-messages.ts";

/** Messages of a partition in one call of the handler; what a killed process may have repeated. */
const TOGETHER_MAX = 100;
/** Keys that failed before are handled by themselves, so many at once. */
const KEYS_AT_ONCE = 100;
/** kafkajs treats an error with one of these names as a bug and stops the consumer permanently. */
const FATAL_NAMES = ["TypeError", "SyntaxError", "RangeError", "ReferenceError"];

export interface BatchOptions {
  readonly payload: EachBatchPayload;
  readonly progress: PartitionProgress;
  /** Never rejects. */
  readonly deliver: (messages: readonly KafkaMessage[]) => Promise<readonly Outcome[]>;
  /** Called at each heartbeat, once the position of kafkajs is up to date. */
  readonly onProgress: () => void;
  readonly closing: AbortSignal;
  readonly heartbeatMs: number;
}

/**
 * The messages of one partition from one fetch, and the position of kafkajs, which is the first
 * unprocessed message. A message that fails stops only its key. Meanwhile heartbeats keep the
 * membership. When the group rebalances, no more handlers start, so a partition moves to another
 * member only after its handlers have ended.
 */
export class KafkaBatch {
  readonly #options: BatchOptions;
  /** Keys with a message that failed in this batch. */
  readonly #stopped = new Set<string>();
  #interruption: unknown;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  /** Rejects with the error that interrupted it, in a form that kafkajs recovers from. */
  async run(): Promise<void> {
    const { payload: { batch: { messages } }, progress, closing } = this.#options;
    const waiting = messages.filter(({ offset }) => !progress.isDone(offset));
    const failed = new Set(
      waiting.filter(({ offset }) => progress.attempt(offset) > 1).map(keyOf),
    );
    const apart = Map.groupBy(waiting.filter((each) => failed.has(keyOf(each))), keyOf).values();
    const over = new AbortController();
    const beating = this.#beat(over.signal);
    await Promise.all([
      this.#handle(chunksOf(waiting.filter((each) => !failed.has(keyOf(each))))),
      // Each takes the next key from the same iterator.
      ...Array.from({ length: Math.min(KEYS_AT_ONCE, failed.size) }, () => this.#handle(apart)),
    ]);
    over.abort();
    await beating;
    const last = this.#advance();
    if (last !== undefined) progress.forget(messages, last);
    // While the consumer stops, there is nothing to recover: uncommitted messages are redelivered.
    if (this.#interruption !== undefined && !closing.aborted) throw recoverable(this.#interruption);
  }

  async #handle(lists: Iterable<readonly KafkaMessage[]>): Promise<void> {
    const { progress, deliver } = this.#options;
    for (const list of lists) {
      if (this.#mustStop()) return;
      const messages = list.filter((each) => !this.#stopped.has(keyOf(each)));
      if (messages.length === 0) continue;
      const outcomes = await deliver(messages);
      messages.forEach((message, index) => {
        if (outcomes[index] === "handled") return progress.finish(message.offset);
        this.#stopped.add(keyOf(message));
        if (outcomes[index] === "failed") progress.fail(message.offset);
      });
    }
  }

  #mustStop(): boolean {
    const { payload, closing } = this.#options;
    return this.#interruption !== undefined || closing.aborted || !payload.isRunning() ||
      payload.isStale();
  }

  async #beat(over: AbortSignal): Promise<void> {
    const { payload, onProgress, heartbeatMs } = this.#options;
    while (true) {
      const waited = await sleep(systemClock, heartbeatMs, over).then(() => true, () => false);
      if (!waited) return;
      this.#advance();
      onProgress();
      try {
        await payload.heartbeat();
      } catch (error) {
        this.#interruption = error;
        return;
      }
    }
  }

  /** Moves the position of kafkajs; returns the offset of the last message before it. */
  #advance(): string | undefined {
    const { payload, progress } = this.#options;
    const last = progress.lastContiguous(payload.batch.messages);
    if (last !== undefined) payload.resolveOffset(last);
    return last;
  }
}

function chunksOf(messages: readonly KafkaMessage[]): (readonly KafkaMessage[])[] {
  return Array.from(
    { length: Math.ceil(messages.length / TOGETHER_MAX) },
    (_, index) => messages.slice(index * TOGETHER_MAX, (index + 1) * TOGETHER_MAX),
  );
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
