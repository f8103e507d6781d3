import kafkajs, { type Admin, type Message, type Producer } from "kafkajs";
import { type Clock, systemClock } from "../async/clock.ts";
import type { Logger } from "../telemetry/log.ts";
import { BusCalls } from "./bus-calls.ts";
import type {
  Bus,
  DeadLetter,
  OutgoingMessage,
  SubscribeOptions,
  Subscription,
  Topic,
} from "./bus.ts";
import { createKafkaClients, type KafkaClients } from "./kafka-client.ts";
import { readDeadLetterQueue, replayDeadLetterQueue } from "./kafka-dead-letter-queue.ts";
import { toKafka } from "./kafka-messages.ts";
import type { KafkaSecurity, TopicSettings } from "./kafka-settings.ts";
import { KafkaSubscription } from "./kafka-subscription.ts";
import { createTopics } from "./kafka-topics.ts";
import { throttledLog } from "../telemetry/throttled-log.ts";
import type { WatchLimits } from "./watchdog.ts";

/** Messages in one request; fastest in measurements. */
const SEND_MAX = 500;
/** Characters in one request: by default, a broker accepts 1 MiB for a partition. */
const SEND_CHARACTERS_MAX = 256 << 10;
/** A message is stored when every in-sync replica has it. */
const ALL_REPLICAS = -1;
/** How long the broker waits for its replicas, in ms. */
const REPLICAS_MAX_MS = 4_000;
/** A process that stalls for less keeps its partitions; brokers allow 6 s to 30 min by default. */
const SESSION_TIMEOUT_MS = 10_000;

export interface KafkaBusOptions {
  /** Each as host:port. */
  readonly brokers: readonly string[];
  readonly log: Logger;
  readonly security?: KafkaSecurity;
  readonly topics?: TopicSettings;
  readonly clock?: Clock;
  readonly sessionTimeoutMs?: number;
  readonly watch?: WatchLimits;
}

/** A bus on Apache Kafka. It connects on first use, and again after every failure. */
export function createKafkaBus(options: KafkaBusOptions): Bus {
  return new KafkaBus(options);
}

class KafkaBus implements Bus {
  readonly #clients: KafkaClients;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #sessionTimeoutMs: number;
  readonly #watch: WatchLimits | undefined;
  readonly #topics: TopicSettings;
  readonly #calls = new BusCalls((topic) => this.#createTopics(topic));
  readonly #subscriptions = new Set<KafkaSubscription>();
  #producer: Promise<Producer> | undefined;

  constructor(options: KafkaBusOptions) {
    const { log, clock = systemClock } = options;
    this.#log = log;
    this.#clock = clock;
    this.#topics = options.topics ?? {};
    this.#sessionTimeoutMs = options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS;
    this.#watch = options.watch;
    this.#clients = createKafkaClients(options, throttledLog(log, clock));
  }

  ensureTopic(topic: Topic): Promise<void> {
    return this.#calls.ensureTopic(topic);
  }

  async publish(topic: Topic, messages: readonly OutgoingMessage[]): Promise<void> {
    await this.#calls.publish(topic, {
      messages,
      countMax: SEND_MAX,
      charactersMax: SEND_CHARACTERS_MAX,
      send: (part) => this.#send(topic.name, part.map(toKafka)),
      refusalOf: kafkaRefusal,
    });
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const { topic, group } = options;
    return await this.#calls.run(topic, `subscribe ${group} to ${topic.name}`, async () => {
      const subscription = new KafkaSubscription({
        ...options,
        kafka: this.#clients.patient,
        deadLetter: (deadLetterQueue, message) => this.#send(deadLetterQueue, [message]),
        log: this.#log,
        clock: this.#clock,
        sessionTimeoutMs: this.#sessionTimeoutMs,
        probe: () => this.#withAdmin((admin) => admin.describeCluster()),
        watch: this.#watch,
      });
      this.#subscriptions.add(subscription);
      await subscription.join();
      return subscription;
    });
  }

  async lag(topic: Topic, group: string): Promise<number> {
    return await this.#calls.run(topic, `read the lag of ${group}`, async () => {
      return await this.#withAdmin((admin) => groupLag(admin, topic.name, group));
    });
  }

  async readDeadLetterQueue(topic: Topic, max: number): Promise<readonly DeadLetter[]> {
    return await this.#calls.run(topic, `read ${topic.deadLetterQueue}`, async () => {
      return await readDeadLetterQueue(this.#clients.impatient, topic.deadLetterQueue, max);
    });
  }

  async replayDeadLetterQueue(topic: Topic, max: number): Promise<number> {
    return await this.#calls.run(topic, `replay ${topic.deadLetterQueue}`, async () => {
      const send = (messages: Message[]) => this.#send(topic.name, messages);
      return await replayDeadLetterQueue(this.#clients.impatient, topic.deadLetterQueue, max, send);
    });
  }

  async close(): Promise<void> {
    if (!this.#calls.close()) return;
    // Running handlers may still dead-letter a message, so the producer is closed last.
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    const producer = await this.#producer?.catch(() => undefined);
    await producer?.disconnect();
  }

  async #send(topic: string, messages: Message[]): Promise<void> {
    const producer = await this.#connect();
    await producer.send({ topic, messages, acks: ALL_REPLICAS, timeout: REPLICAS_MAX_MS });
  }

  /** Connects on first use, since a process that only reads needs no producer; retries failures. */
  #connect(): Promise<Producer> {
    const connect = async () => {
      const producer = this.#clients.impatient.producer({
        allowAutoTopicCreation: false,
        createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
        // More would reorder messages when they are sent again.
        maxInFlightRequests: 1,
        // An idempotent producer loses messages after a timeout: docs/decisions/0017.
        idempotent: false,
      });
      await producer.connect();
      return producer;
    };
    this.#producer ??= connect().catch((error: unknown) => {
      this.#producer = undefined;
      throw error;
    });
    return this.#producer;
  }

  async #createTopics(topic: Topic): Promise<void> {
    await this.#withAdmin((admin) => createTopics(admin, topic, this.#topics));
  }

  async #withAdmin<Result>(work: (admin: Admin) => Promise<Result>): Promise<Result> {
    const admin = this.#clients.impatient.admin();
    try {
      await admin.connect();
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }
}

/** A partition's committed offset before the first commit. */
const NONE = -1n;

/** The number of messages in all partitions that the group has not committed. */
export async function groupLag(admin: Admin, topic: string, groupId: string): Promise<number> {
  const [extents, committed] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchOffsets({ groupId, topics: [topic] }),
  ]);
  const offsets = new Map(
    committed.flatMap(({ partitions }) =>
      partitions.map(({ partition, offset }): [number, bigint] => [partition, BigInt(offset)])
    ),
  );
  let lag = 0n;
  for (const { partition, low, high } of extents) {
    const offset = offsets.get(partition) ?? NONE;
    const from = offset < BigInt(low) ? BigInt(low) : offset;
    if (BigInt(high) > from) lag += BigInt(high) - from;
  }
  return Number(lag);
}

/** Errors of a broker that the same message causes every time. */
const REFUSALS = ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "INVALID_RECORD"];

/** Why a broker rejects a message permanently; undefined for an error that a retry may avoid. */
export function kafkaRefusal(error: unknown): string | undefined {
  const { type, message } = (error ?? {}) as { type?: unknown; message?: unknown };
  return REFUSALS.includes(String(type)) ? `${String(type)}: ${String(message)}` : undefined;
}
