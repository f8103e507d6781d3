import type { Consumer, EachBatchPayload, Kafka, KafkaMessage, Message } from "kafkajs";
import { systemClock, within } from "../async/request-context.ts";
import type { Logger } from "../telemetry/log.ts";
import { type ThrottledLog, throttledLog } from "../telemetry/throttled-log.ts";
import type { SubscribeOptions, Subscription } from "./bus.ts";
import { deliver, type Outcome } from "./deliver.ts";
import { fromKafka, toDeadLetter } from "./kafka-messages.ts";
import { KafkaPartition } from "./kafka-partition.ts";
import { onceKnown } from "./kafka-topics.ts";
import { Watchdog, type WatchLimits } from "./watchdog.ts";

/** A member that rejoins later than this is removed; longer than a handler may take. */
const REBALANCE_TIMEOUT_MS = 30_000;
const HEARTBEAT_MAX_MS = 1_000;
const HEARTBEATS_PER_SESSION = 5;
/** How long a fetch waits for messages; stopping may wait as long. */
const FETCH_WAIT_MS = 250;
/** Between commits, in ms; a killed member has this much redelivered. */
const COMMIT_INTERVAL_MS = 100;
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
  /** How long a member may be silent before its partitions go to others. */
  readonly sessionTimeoutMs: number;
  /** Rejects while no broker answers. */
  readonly probe: () => Promise<unknown>;
  readonly watch?: WatchLimits;
}

/**
 * One member of a consumer group. Processed messages are committed with a later fetch, for all
 * partitions in one request that nothing waits for: if the process dies before, the messages are
 * redelivered. A message that fails is redelivered after a backoff: its partition pauses and is
 * then fetched again from the first unprocessed message, while other partitions continue. Slow
 * handlers delay the member's next fetch.
 */
export class KafkaSubscription implements Subscription {
  readonly failed: Promise<never>;
  readonly #options: KafkaSubscriptionOptions;
  readonly #consumer: Consumer;
  readonly #heartbeatMs: number;
  readonly #closing = new AbortController();
  readonly #partitions = new Map<number, KafkaPartition>();
  readonly #batches = new Set<Promise<void>>();
  readonly #watchdog: Watchdog;
  readonly #logFailure: ThrottledLog;
  /** The newest batch, which commits for the current generation of this member. */
  #payload: EachBatchPayload | undefined;
  #committing: Promise<void> | undefined;
  #committedAt = 0;
  /** When the coordinator removes this member, unless it receives a heartbeat before. */
  #sessionEndsAt = 0;
  #closed: Promise<void> | undefined;

  constructor(options: KafkaSubscriptionOptions) {
    const { kafka, group, sessionTimeoutMs } = options;
    this.#options = options;
    this.#logFailure = throttledLog(options.log, systemClock);
    this.#heartbeatMs = Math.min(HEARTBEAT_MAX_MS, sessionTimeoutMs / HEARTBEATS_PER_SESSION);
    this.#consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: this.#heartbeatMs,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      allowAutoTopicCreation: false,
      // A restart in progress would continue after disconnect() and reconnect the consumer.
      retry: { restartOnFailure: () => Promise.resolve(!this.#closing.signal.aborted) },
    });
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.failed.catch(() => {});
    const { probe, watch: limits } = options;
    this.#watchdog = new Watchdog({ clock: systemClock, limits, probe, onStuck: reject });
    this.#listen(reject);
  }

  #listen(fail: (error: Error) => void): void {
    const { CRASH, GROUP_JOIN, HEARTBEAT, FETCH, REBALANCING } = this.#consumer.events;
    // The next owner of a partition begins at the offset committed before this member rejoins.
    this.#consumer.on(REBALANCING, () => void this.#commit());
    // Other members may have processed messages that this member remembers.
    this.#consumer.on(GROUP_JOIN, () => {
      this.#partitions.clear();
      this.#payload = undefined;
    });
    this.#consumer.on(FETCH, () => this.#commitSoon());
    for (const renewal of [GROUP_JOIN, HEARTBEAT]) {
      // Each name has its own overload; a listener without parameters fits all of them.
      this.#consumer.on(renewal as typeof HEARTBEAT, () => {
        this.#sessionEndsAt = systemClock.now() + this.#options.sessionTimeoutMs;
      });
    }
    for (const sign of [GROUP_JOIN, HEARTBEAT, FETCH]) {
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
    const subscription = { topic: this.#options.topic.name, fromBeginning: true };
    await onceKnown(() => this.#consumer.subscribe(subscription));
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
    const { log, group } = this.#options;
    // Before it leaves, on the same connection.
    const committed = this.#commit();
    const left = Promise.allSettled([committed, this.#consumer.disconnect()]);
    await Promise.allSettled(this.#batches);
    await within(systemClock, LEAVE_MAX_MS, left, () => {
      log.warn("cannot leave the group in time", { messaging_consumer_group_name: group });
    });
  }

  /** Commits the processed messages. Never rejects: a later commit includes this one. */
  #commit(): Promise<void> {
    const commit = async () => {
      const payload = this.#payload;
      this.#committedAt = systemClock.now();
      // consumer.commitOffsets() does nothing once the consumer is stopping.
      await payload?.commitOffsetsIfNecessary(payload.uncommittedOffsets());
    };
    const committing = (this.#committing ?? Promise.resolve()).then(commit)
      // The next heartbeat shows whether this process is still a member.
      .catch((error: unknown) => this.#logFailure("warn", "Cannot commit offsets", error))
      .finally(() => {
        if (this.#committing === committing) this.#committing = undefined;
      });
    this.#committing = committing;
    return committing;
  }

  /** Called at each fetch, so that messages of a later call wait for {@link FETCH_WAIT_MS}. */
  #commitSoon(): void {
    const sinceLastMs = systemClock.now() - this.#committedAt;
    if (!this.#committing && sinceLastMs >= COMMIT_INTERVAL_MS) void this.#commit();
  }

  async #take(payload: EachBatchPayload): Promise<void> {
    this.#payload = payload;
    const { partition: number } = payload.batch;
    const partition = this.#partitions.get(number) ?? new KafkaPartition({
      deliver: (...batch) => this.#deliver(...batch),
      onProgress: () => this.#commitSoon(),
      isMember: () => systemClock.now() < this.#sessionEndsAt,
      closing: this.#closing.signal,
      heartbeatMs: this.#heartbeatMs,
    });
    this.#partitions.set(number, partition);
    const batch = partition.take(payload)
      .finally(() => this.#closing.signal.aborted ? this.#commit() : undefined)
      .finally(() => this.#batches.delete(batch));
    this.#batches.add(batch);
    await batch;
  }

  #deliver(
    { batch: { topic, partition } }: EachBatchPayload,
    messages: readonly KafkaMessage[],
    attemptOf: (message: KafkaMessage) => number,
  ): Promise<readonly Outcome[]> {
    const { deadLetter, topic: { deadLetterQueue } } = this.#options;
    const placeOf = ({ offset }: KafkaMessage) => [topic, partition, offset] as const;
    const delivery = { ...this.#options, watchdog: this.#watchdog };
    const incoming = messages.map((each) => fromKafka(each, placeOf(each), attemptOf(each)));
    return deliver(delivery, incoming, (index, reason) => {
      const message = messages[index] as KafkaMessage;
      return deadLetter(deadLetterQueue, toDeadLetter(message, placeOf(message), reason));
    });
  }
}
