import kafkajs, { type Message, type Producer } from "kafkajs";
import { type Clock, systemClock } from "../async/clock.ts";
import { AppError } from "../errors.ts";
import type { Logger } from "../telemetry/log.ts";
import type {
  Bus,
  DeadLetter,
  OutgoingMessage,
  SubscribeOptions,
  Subscription,
  Topic,
} from "./bus.ts";
import { createKafkaClients, type KafkaClients } from "./kafka-client.ts";
import { readDeadLetters } from "./kafka-dead-letters.ts";
import { toKafka } from "./kafka-messages.ts";
import { KafkaSubscription } from "./kafka-subscription.ts";
import { createTopics } from "./kafka-topics.ts";
import { seldomLog } from "./seldom-log.ts";

/** Messages a request; measured best. */
const SEND_MAX = 500;
/** A message is taken when every replica in sync has it. */
const ALL_REPLICAS = -1;
/** How long the broker waits for its replicas. */
const REPLICAS_MAX_MS = 4_000;
/** A process that stalls for less keeps its partitions; the broker's default allows 6 s to 30 min. */
const SESSION_TIMEOUT_MS = 10_000;

export interface KafkaBusOptions {
  /** Each as host:port. */
  readonly brokers: readonly string[];
  readonly log: Logger;
  readonly clock?: Clock;
  readonly sessionTimeoutMs?: number;
}

/** A bus on Apache Kafka. It connects when it is first used, and again after every failure. */
export function createKafkaBus(options: KafkaBusOptions): Bus {
  return new KafkaBus(options);
}

class KafkaBus implements Bus {
  readonly #clients: KafkaClients;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #sessionTimeoutMs: number;
  readonly #ensured = new Map<string, Promise<void>>();
  readonly #subscriptions = new Set<KafkaSubscription>();
  #producer: Promise<Producer> | undefined;
  #closed = false;

  constructor(options: KafkaBusOptions) {
    const { brokers, log, clock = systemClock, sessionTimeoutMs = SESSION_TIMEOUT_MS } = options;
    this.#log = log;
    this.#clock = clock;
    this.#sessionTimeoutMs = sessionTimeoutMs;
    this.#clients = createKafkaClients(brokers, seldomLog(log, clock));
  }

  ensureTopic(topic: Topic): Promise<void> {
    return this.#reach(`make ${topic.name} ready`, () => this.#ensure(topic));
  }

  async publish(topic: Topic, messages: readonly OutgoingMessage[]): Promise<void> {
    if (messages.length === 0) return;
    await this.#reach(`publish ${messages.length} messages to ${topic.name}`, async () => {
      await this.#ensure(topic);
      for (let from = 0; from < messages.length; from += SEND_MAX) {
        await this.#send(topic.name, messages.slice(from, from + SEND_MAX).map(toKafka));
      }
    });
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const { topic, group } = options;
    return await this.#reach(`subscribe ${group} to ${topic.name}`, async () => {
      // Fails soon when the broker is away, where the consumer would wait for it.
      await this.#ensure(topic);
      const subscription = new KafkaSubscription({
        ...options,
        kafka: this.#clients.patient,
        bury: (deadLetters, message) => this.#send(deadLetters, [message]),
        log: this.#log,
        clock: this.#clock,
        sessionTimeoutMs: this.#sessionTimeoutMs,
      });
      this.#subscriptions.add(subscription);
      await subscription.join();
      return subscription;
    });
  }

  async readDeadLetters(topic: Topic, max: number): Promise<readonly DeadLetter[]> {
    return await this.#reach(`read ${topic.deadLetters}`, async () => {
      await this.#ensure(topic);
      return await readDeadLetters(this.#clients.impatient, topic.deadLetters, max);
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // Handlers under way may still bury a message, so the producer is last.
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    const producer = await this.#producer?.catch(() => undefined);
    await producer?.disconnect();
  }

  async #send(topic: string, messages: Message[]): Promise<void> {
    const producer = await this.#connect();
    await producer.send({ topic, messages, acks: ALL_REPLICAS, timeout: REPLICAS_MAX_MS });
  }

  /** Only now, since a process that only reads needs none. A failure is tried again. */
  #connect(): Promise<Producer> {
    const connect = async () => {
      const producer = this.#clients.impatient.producer({
        allowAutoTopicCreation: false,
        createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
        // More would reorder what is sent again.
        maxInFlightRequests: 1,
        // Loses what is sent after a request that timed out: docs/decisions/0017.
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

  #ensure(topic: Topic): Promise<void> {
    const known = this.#ensured.get(topic.name);
    if (known) return known;
    const ensured = this.#createTopics(topic);
    this.#ensured.set(topic.name, ensured);
    return ensured;
  }

  async #createTopics(topic: Topic): Promise<void> {
    const admin = this.#clients.impatient.admin();
    try {
      await admin.connect();
      await createTopics(admin, topic);
    } finally {
      await admin.disconnect();
    }
  }

  async #reach<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new AppError("unavailable", `Cannot ${what}: the bus is closed`);
    try {
      return await call();
    } catch (error) {
      // Whatever went wrong, the next call starts from the beginning.
      this.#ensured.clear();
      if (error instanceof AppError) throw error;
      throw new AppError("unavailable", `Cannot ${what}`, { cause: error });
    }
  }
}
