import type { Consumer, EachBatchPayload, Kafka, KafkaMessage, Message } from "kafkajs";
import type { Clock } from "../async/clock.ts";
import { sleep } from "../async/sleep.ts";
import type { Logger } from "../telemetry/log.ts";
import { type SubscribeOptions, type Subscription, UnreadableMessageError } from "./bus.ts";
import { KafkaBatch } from "./kafka-batch.ts";
import { fromKafka, type Place, placeFields, toDeadLetter } from "./kafka-messages.ts";
import { PartitionProgress } from "./kafka-batch.ts";
import { Watchdog, type WatchLimits } from "./watchdog.ts";

/** A member that rebalances late is left out; longer than a handler may take. */
const REBALANCE_TIMEOUT_MS = 30_000;
const HEARTBEAT_MAX_MS = 1_000;
const HEARTBEATS_PER_SESSION = 5;
/** How long a fetch waits for messages, and so how long a stop may wait for a fetch. */
const FETCH_WAIT_MS = 250;
/** Partitions of one member under way at once; there are fewer. */
const PARTITIONS_AT_ONCE = 16;
/** During an outage kafkajs leaves the group only when the broker is back; the process cannot wait. */
const LEAVE_MAX_MS = 4_000;

export interface KafkaSubscriptionOptions extends SubscribeOptions {
  readonly kafka: Kafka;
  readonly bury: (deadLetterQueue: string, message: Message) => Promise<void>;
  readonly log: Logger;
  readonly clock: Clock;
  /** How long a member may be silent before its partitions go to others. */
  readonly sessionTimeoutMs: number;
  /** Rejects while no broker answers. */
  readonly probe: () => Promise<unknown>;
  readonly watch: WatchLimits | undefined;
}

/**
 * One member of a consumer group. A message that fails is delivered again after a backoff: its
 * partition pauses, then is fetched again from the first message that is not done, while other
 * partitions go on. Handlers that are slow hold back the next fetch of the member.
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
      // A restart that is under way goes on after disconnect(), and the consumer would come back.
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
    // Others may have handled what this member remembers.
    this.#consumer.on(GROUP_JOIN, () => this.#partitions.clear());
    for (const sign of [GROUP_JOIN, HEARTBEAT, FETCH]) {
      // Each name has its own overload; an event that says nothing fits all of them.
      this.#consumer.on(sign as typeof HEARTBEAT, () => this.#watchdog.sign());
    }
    this.#consumer.on(CRASH, ({ payload: { error, restart } }) => {
      if (restart || this.#closing.signal.aborted) return;
      const { group } = this.#options;
      fail(new Error(`The consumer of ${group} has ended for good`, { cause: error }));
    });
  }

  /** Resolves as a member of the group. */
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
    const left = this.#consumer.disconnect().then(() => true, () => true);
    await Promise.allSettled(this.#batches);
    const over = new AbortController();
    const late = sleep(clock, LEAVE_MAX_MS, over.signal).then(() => false, () => false);
    if (!await Promise.race([left, late])) {
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

  /** True when the message is done with. Never rejects: kafkajs ends the consumer for some errors. */
  async #deliver(message: KafkaMessage, place: Place, attempt: number): Promise<boolean> {
    try {
      await this.#handleOrBury(message, place, attempt);
      return true;
    } catch (error) {
      const fields = { ...placeFields(place), attempt, error };
      this.#options.log.warn("a message will be delivered again", fields);
      return false;
    }
  }

  async #handleOrBury(message: KafkaMessage, place: Place, attempt: number): Promise<void> {
    const { handle, bury, topic, log } = this.#options;
    try {
      await this.#watchdog.handle(() => handle(fromKafka(message, place, attempt)));
    } catch (error) {
      if (!(error instanceof UnreadableMessageError)) throw error;
      await bury(topic.deadLetterQueue, toDeadLetter(message, place, error.message));
      log.error("a message went to the dead letters", {
        ...placeFields(place),
        dead_letters: topic.deadLetterQueue,
        reason: error.message,
      });
    }
  }
}
