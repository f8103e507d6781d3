import type { Consumer, EachBatchPayload, Kafka, KafkaMessage, Message } from "kafkajs";
import type { Clock } from "../async/clock.ts";
import { sleep } from "../async/sleep.ts";
import type { Logger } from "../telemetry/log.ts";
import { type SubscribeOptions, type Subscription, UnreadableMessageError } from "./bus.ts";
import { KafkaBatch } from "./kafka-batch.ts";
import { fromKafka, type Place, placeFields, toDeadLetter } from "./kafka-messages.ts";
import { PartitionProgress } from "./kafka-batch.ts";
import { Watchdog, type WatchLimits } from "./watchdog.ts";

/** A member that rejoins later than this is removed; longer than a handler may take. */
const REBALANCE_TIMEOUT_MS = 30_000;
const HEARTBEAT_MAX_MS = 1_000;
const HEARTBEATS_PER_SESSION = 5;
/** How long a fetch waits for messages; stopping may wait as long. */
const FETCH_WAIT_MS = 250;
/** Partitions of one member processed at once; there are fewer. */
const PARTITIONS_AT_ONCE = 16;
/**
 * During an outage kafkajs leaves the group only once a broker is back; a stop cannot wait for it.
 */
const LEAVE_MAX_MS = 4_000;

export interface KafkaSubscriptionOptions extends SubscribeOptions {
  readonly kafka: Kafka;
  readonly deadLetter: (queue: string, message: Message) => Promise<void>;
  readonly log: Logger;
  readonly clock: Clock;
  /** How long a member may be silent before its partitions go to others. */
  readonly sessionTimeoutMs: number;
  /** Rejects while no broker answers. */
  readonly probe: () => Promise<unknown>;
  readonly watch: WatchLimits | undefined;
}

/**
 * One member of a consumer group. A message that fails is redelivered after a backoff: its
 * partition pauses and is then fetched again from the first unprocessed message, while other
 * partitions continue. Slow handlers delay the member's next fetch.
 */
export class KafkaSubscription implements Subscription {
  readonly failed: Promise<never>;
  readonly #options: KafkaSubscriptionOptions;
  readonly #consumer: Consumer;
  readonly #heartbeatMs: number;
  readonly #closing = new AbortController();
  readonly #partitions = new Map<number, PartitionProgress>();
  readonly #batches = new Set<Promise<void>>();
  readonly #watchdog: Watchdog;
  #closed: Promise<void> | undefined;

  constructor(options: KafkaSubscriptionOptions) {
    const { kafka, group, sessionTimeoutMs } = options;
    this.#options = options;
    this.#heartbeatMs = Math.min(HEARTBEAT_MAX_MS, sessionTimeoutMs / HEARTBEATS_PER_SESSION);
    this.#consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: this.#heartbeatMs,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      allowAutoTopicCreation: false,
      // A restart in progress continues after disconnect(), and would bring the consumer back.
      retry: { restartOnFailure: () => Promise.resolve(!this.#closing.signal.aborted) },
    });
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.failed.catch(() => {});
    const { clock, probe, watch: limits } = options;
    this.#watchdog = new Watchdog({ clock, limits, probe, onStuck: reject });
    this.#listen(reject);
  }

  #listen(fail: (error: Error) => void): void {
    const { CRASH, GROUP_JOIN, HEARTBEAT, FETCH } = this.#consumer.events;
    // Other members may have processed what this member remembers.
    this.#consumer.on(GROUP_JOIN, () => this.#partitions.clear());
    for (const sign of [GROUP_JOIN, HEARTBEAT, FETCH]) {
      // Each name has an overload of its own; a listener without parameters fits all of them.
      this.#consumer.on(sign as typeof HEARTBEAT, () => this.#watchdog.sign());
    }
    this.#consumer.on(CRASH, ({ payload: { error, restart } }) => {
      if (restart || this.#closing.signal.aborted) return;
      const { group } = this.#options;
      fail(new Error(`The consumer of ${group} has stopped permanently`, { cause: error }));
    });
  }

  /** Resolves when it has joined the group. */
  async join(): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic: this.#options.topic.name, fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch: (payload) => this.#take(payload),
    });
    this.#watchdog.start();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    this.#watchdog.close();
    const { clock, log, group } = this.#options;
    const hasLeft = this.#consumer.disconnect().then(() => true, () => true);
    await Promise.allSettled(this.#batches);
    const over = new AbortController();
    const late = sleep(clock, LEAVE_MAX_MS, over.signal).then(() => false, () => false);
    if (!await Promise.race([hasLeft, late])) {
      log.warn("Cannot leave the group in time", { messaging_consumer_group_name: group });
    }
    over.abort();
  }

  async #take(payload: EachBatchPayload): Promise<void> {
    const { clock } = this.#options;
    const progress = this.#progressOf(payload.batch.partition);
    const batch = new KafkaBatch({
      payload,
      progress,
      deliver: (message, place, attempt) => this.#deliver(message, place, attempt),
      closing: this.#closing.signal,
      clock,
      heartbeatMs: this.#heartbeatMs,
    }).run();
    this.#batches.add(batch);
    try {
      await batch;
    } finally {
      this.#batches.delete(batch);
    }
    const backoffMs = progress.backoffMs();
    if (backoffMs === undefined) return;
    const resume = payload.pause();
    void sleep(clock, backoffMs, this.#closing.signal).then(resume, () => {});
  }

  #progressOf(partition: number): PartitionProgress {
    const known = this.#partitions.get(partition);
    if (known) return known;
    const progress = new PartitionProgress();
    this.#partitions.set(partition, progress);
    return progress;
  }

  /** Returns true when the message was processed or dead-lettered. Never rejects. */
  async #deliver(message: KafkaMessage, place: Place, attempt: number): Promise<boolean> {
    try {
      await this.#handleOrDeadLetter(message, place, attempt);
      return true;
    } catch (error) {
      const fields = { ...placeFields(place), attempt, error };
      this.#options.log.warn("message will be redelivered", fields);
      return false;
    }
  }

  async #handleOrDeadLetter(message: KafkaMessage, place: Place, attempt: number): Promise<void> {
    const { handle, deadLetter, topic, log } = this.#options;
    try {
      await this.#watchdog.handle(() => handle(fromKafka(message, place, attempt)));
    } catch (error) {
      if (!(error instanceof UnreadableMessageError)) throw error;
      await deadLetter(topic.deadLetterQueue, toDeadLetter(message, place, error.message));
      log.error("message moved to the dead-letter queue", {
        ...placeFields(place),
        dead_letters: topic.deadLetterQueue,
        reason: error.message,
      });
    }
  }
}
