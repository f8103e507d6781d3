import type { EachBatchPayload, KafkaMessage } from "kafkajs";
import type { Clock } from "../async/clock.ts";
import { sleep } from "../async/sleep.ts";
import { keyOf, type Place } from "./kafka-messages.ts";

/** Handlers under way at once in a partition, each at a key of its own. */
const KEYS_AT_ONCE = 100;
/** kafkajs takes an error of these names for a bug and ends the consumer for ever. */
const FATAL_NAMES = ["TypeError", "SyntaxError", "RangeError", "ReferenceError"];

export interface BatchOptions {
  readonly payload: EachBatchPayload;
  readonly progress: PartitionProgress;
  /** True when the message is done with. Never rejects. */
  readonly deliver: (message: KafkaMessage, place: Place, attempt: number) => Promise<boolean>;
  readonly closing: AbortSignal;
  readonly clock: Clock;
  /** Between heartbeats, and between commits. */
  readonly heartbeatMs: number;
}

/**
 * What one fetch brought of a partition. Its keys are handled side by side, each in order; a message
 * that fails stops its key, not the others. Meanwhile heartbeats keep the membership, and offsets
 * are committed up to the first message that is not done. When the group rebalances, nothing more is
 * started, so that a partition moves only when its handlers have ended.
 */
export class KafkaBatch {
  readonly #options: BatchOptions;
  #interruption: unknown;
  /** The last offset that is. */
  #committed: string | undefined;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  /** Rejects with what interrupted it, in a form that kafkajs recovers from. */
  async run(): Promise<void> {
    const { payload, progress, closing } = this.#options;
    const lanes = lanesOf(payload.batch.messages).values();
    const over = new AbortController();
    const beating = this.#beat(over.signal);
    await Promise.all(Array.from({ length: KEYS_AT_ONCE }, () => this.#work(lanes)));
    over.abort();
    await beating;
    await this.#commit().catch((error: unknown) => this.#interruption ??= error);
    if (this.#committed !== undefined) progress.forget(payload.batch.messages, this.#committed);
    // While the consumer stops there is nothing to recover: what is not committed comes again.
    if (this.#interruption !== undefined && !closing.aborted) throw recoverable(this.#interruption);
  }

  /** Takes lanes that nobody took yet: the iterator is shared. */
  async #work(lanes: IterableIterator<KafkaMessage[]>): Promise<void> {
    for (const lane of lanes) {
      for (const message of lane) {
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
   * First the broker, then kafkajs' own position: after a commit that failed the messages are
   * fetched again, found done, and committed then.
   */
  async #commit(): Promise<void> {
    const { payload, progress } = this.#options;
    const { topic, partition, messages } = payload.batch;
    const last = progress.lastInRow(messages);
    if (last === undefined || last === this.#committed) return;
    const offset = String(BigInt(last) + 1n);
    // consumer.commitOffsets() commits nothing any more once the consumer stops.
    await payload.commitOffsetsIfNecessary({
      topics: [{ topic, partitions: [{ partition, offset }] }],
    });
    payload.resolveOffset(last);
    this.#committed = last;
  }
}

/** The messages of each key, in order. */
function lanesOf(messages: readonly KafkaMessage[]): Map<string, KafkaMessage[]> {
  const lanes = new Map<string, KafkaMessage[]>();
  for (const message of messages) {
    const key = keyOf(message);
    const lane = lanes.get(key);
    if (lane) lane.push(message);
    else lanes.set(key, [message]);
  }
  return lanes;
}

function recoverable(error: unknown): Error {
  if (error instanceof Error && !FATAL_NAMES.includes(error.name)) return error;
  return new Error("Cannot go on with a batch", { cause: error });
}

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
