import type { EachBatchPayload, KafkaMessage } from "kafkajs";
import { sleep, systemClock } from "../async/request-context.ts";
import type { Outcome } from "./deliver.ts";
import { keyOf } from "./kafka-messages.ts";

/** Messages of a partition in one call of the handler; a killed process repeats up to so many. */
const TOGETHER_MAX = 100;
/** Failed keys are handled in separate calls, up to so many concurrently. */
const KEYS_AT_ONCE = 100;
/** Delay after the first failure of a handler; doubles with each further one. */
const FIRST_BACKOFF_MS = 100;
const BACKOFF_MAX_MS = 5_000;
/** kafkajs treats an error with one of these names as a bug and stops the consumer permanently. */
const FATAL_NAMES = ["TypeError", "SyntaxError", "RangeError", "ReferenceError"];

export interface PartitionOptions {
  /** Never rejects. */
  readonly deliver: (
    payload: EachBatchPayload,
    messages: readonly KafkaMessage[],
    attemptOf: (message: KafkaMessage) => number,
  ) => Promise<readonly Outcome[]>;
  /** Called at each heartbeat, once the position of kafkajs is up to date. */
  readonly onProgress: () => void;
  /** False once the session of this member has ended: another may own the partition. */
  readonly isMember: () => boolean;
  readonly closing: AbortSignal;
  readonly heartbeatMs: number;
}

/**
 * The state of a partition beyond the position of kafkajs, which is the first unprocessed message:
 * processed messages after that one, and the failures of unprocessed ones. Both are bounded by one
 * fetch, because every fetch starts at that position.
 * A failed message stops only its key. Heartbeats keep the membership while handlers run. When the
 * group rebalances, or the session of this member ends, no more handlers start, so a partition
 * moves to another member only after its handlers have ended.
 */
export class KafkaPartition {
  readonly #options: PartitionOptions;
  readonly #done = new Set<string>();
  readonly #failures = new Map<string, number>();

  constructor(options: PartitionOptions) {
    this.#options = options;
  }

  /**
   * Handles one fetch; then the partition pauses for the backoff of its failures. Rejects with the
   * error that interrupted it, in a form that kafkajs recovers from.
   */
  async take(payload: EachBatchPayload): Promise<void> {
    const { closing, isMember } = this.#options;
    const { messages } = payload.batch;
    const waiting = messages.filter(({ offset }) => !this.#done.has(offset));
    const failed = new Set(waiting.filter((each) => this.#attemptOf(each) > 1).map(keyOf));
    const apart = Map.groupBy(waiting.filter((each) => failed.has(keyOf(each))), keyOf).values();
    const over = new AbortController();
    const interrupted = this.#beat(payload, over);
    const stopped = new Set<string>();
    const isOver = () =>
      over.signal.aborted || closing.aborted || !isMember() || !payload.isRunning() ||
      payload.isStale();
    const handle = async (lists: Iterable<readonly KafkaMessage[]>) => {
      for (const list of lists) {
        if (isOver()) return;
        await this.#handle(payload, list.filter((each) => !stopped.has(keyOf(each))), stopped);
      }
    };
    await Promise.all([
      handle(chunksOf(waiting.filter((each) => !failed.has(keyOf(each))))),
      // Each worker takes the next key from the same iterator.
      ...Array.from({ length: Math.min(KEYS_AT_ONCE, failed.size) }, () => handle(apart)),
    ]);
    over.abort();
    const interruption = await interrupted;
    for (const { offset } of this.#advance(payload)) this.#done.delete(offset);
    // While the consumer stops, there is nothing to recover: uncommitted messages are redelivered.
    if (closing.aborted) return;
    if (interruption !== undefined) throw recoverable(interruption);
    if (this.#failures.size > 0) this.#pause(payload);
  }

  async #handle(
    payload: EachBatchPayload,
    messages: readonly KafkaMessage[],
    stopped: Set<string>,
  ): Promise<void> {
    if (messages.length === 0) return;
    const attemptOf = (message: KafkaMessage) => this.#attemptOf(message);
    const outcomes = await this.#options.deliver(payload, messages, attemptOf);
    for (const [index, message] of messages.entries()) {
      const { offset } = message;
      if (outcomes[index] === "handled") {
        this.#done.add(offset);
        this.#failures.delete(offset);
      } else stopped.add(keyOf(message));
      if (outcomes[index] === "failed") this.#failures.set(offset, attemptOf(message));
    }
  }

  /** 1 for a message that this member has not tried. */
  #attemptOf({ offset }: KafkaMessage): number {
    return (this.#failures.get(offset) ?? 0) + 1;
  }

  /** Resolves with the error that interrupts the batch, if any. */
  async #beat(payload: EachBatchPayload, over: AbortController): Promise<unknown> {
    const { onProgress, heartbeatMs } = this.#options;
    while (await sleep(systemClock, heartbeatMs, over.signal).then(() => true, () => false)) {
      this.#advance(payload);
      onProgress();
      try {
        await payload.heartbeat();
      } catch (error) {
        over.abort();
        return error;
      }
    }
    return undefined;
  }

  /** Moves the position of kafkajs; returns the messages before it. */
  #advance({ batch: { messages }, resolveOffset }: EachBatchPayload): readonly KafkaMessage[] {
    const end = messages.findIndex(({ offset }) => !this.#done.has(offset));
    const before = end < 0 ? messages : messages.slice(0, end);
    const last = before.at(-1);
    if (last) resolveOffset(last.offset);
    return before;
  }

  /** Until the backoff of the message that failed least often is over. */
  #pause(payload: EachBatchPayload): void {
    const fewest = Math.min(...this.#failures.values());
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** (fewest - 1), BACKOFF_MAX_MS);
    void sleep(systemClock, backoffMs, this.#options.closing).then(payload.pause(), () => {});
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
