import kafkajs, { type Admin, type Message, type Producer } from "kafkajs";
import { systemClock } from "../async/request-context.ts";
import type { Logger } from "../telemetry/log.ts";
import { throttledLog } from "../telemetry/throttled-log.ts";
import { BaseBus } from "./base-bus.ts";
import type { OutgoingMessage, SubscribeOptions, Topic } from "./bus.ts";
import {
  type ClientOptions,
  createKafkaClients,
  type KafkaClients,
  withAdmin,
} from "./kafka-client.ts";
import { readDeadLetterQueue, replayDeadLetterQueue } from "./kafka-dead-letter-queue.ts";
import { toKafka } from "./kafka-messages.ts";
import type { TopicSettings } from "./kafka-settings.ts";
import { KafkaSubscription } from "./kafka-subscription.ts";
import { createTopics } from "./kafka-topics.ts";
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

export interface KafkaBusOptions extends ClientOptions {
  readonly log: Logger;
  readonly topics?: TopicSettings;
  readonly sessionTimeoutMs?: number;
  readonly watch?: WatchLimits;
}

/** A bus on Apache Kafka. It connects on first use, and again after every failure. */
export class KafkaBus extends BaseBus<KafkaSubscription> {
  readonly #options: KafkaBusOptions;
  readonly #clients: KafkaClients;
  #producer: Promise<Producer> | undefined;

  constructor(options: KafkaBusOptions) {
    super();
    this.#options = options;
    this.#clients = createKafkaClients(options, throttledLog(options.log, systemClock));
  }

  protected override createTopic(topic: Topic): Promise<void> {
    return this.#withAdmin((admin) => createTopics(admin, topic, this.#options.topics ?? {}));
  }

  protected override sending({ name }: Topic) {
    return {
      countMax: SEND_MAX,
      charactersMax: SEND_CHARACTERS_MAX,
      send: (part: readonly OutgoingMessage[]) => this.#send(name, part.map(toKafka)),
      refusalOf: kafkaRefusal,
    };
  }

  protected override async join(options: SubscribeOptions): Promise<KafkaSubscription> {
    const subscription = new KafkaSubscription({
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      ...this.#options,
      ...options,
      kafka: this.#clients.patient,
      deadLetter: (deadLetterQueue, message) => this.#send(deadLetterQueue, [message]),
      probe: () => this.#withAdmin((admin) => admin.describeCluster()),
    });
    this.subscriptions.add(subscription);
    await subscription.join();
    return subscription;
  }

  protected override readLag({ name }: Topic, group: string): Promise<number> {
    return this.#withAdmin((admin) => groupLag(admin, name, group));
  }

  protected override readDeadLetters({ deadLetterQueue }: Topic, max: number) {
    return readDeadLetterQueue(this.#clients.impatient, deadLetterQueue, max);
  }

  protected override replayDeadLetters({ name, deadLetterQueue }: Topic, max: number) {
    const send = (messages: Message[]) => this.#send(name, messages);
    return replayDeadLetterQueue(this.#clients.impatient, deadLetterQueue, max, send);
  }

  protected override async disconnect(): Promise<void> {
    const producer = await this.#producer?.catch(() => undefined);
    await producer?.disconnect();
  }

  #withAdmin<Result>(work: (admin: Admin) => Promise<Result>): Promise<Result> {
    return withAdmin(this.#clients.impatient, work);
  }

  async #send(topic: string, messages: Message[]): Promise<void> {
    // On first use, since a process that only reads needs none.
    this.#producer ??= this.#connect().catch((error: unknown) => {
      this.#producer = undefined;
      throw error;
    });
    const producer = await this.#producer;
    await producer.send({ topic, messages, acks: ALL_REPLICAS, timeout: REPLICAS_MAX_MS });
  }

  async #connect(): Promise<Producer> {
    const producer = this.#clients.impatient.producer({
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      // With more, a resent message could be stored after later ones.
      maxInFlightRequests: 1,
      // An idempotent producer loses messages after a timeout: docs/decisions/0017.
      idempotent: false,
      // A retry loses messages whose new leader has already acknowledged others: the same decision.
      retry: { retries: 0 },
    });
    await producer.connect();
    return producer;
  }
}

/** The number of messages in all partitions that the group has not committed. */
async function groupLag(admin: Admin, topic: string, groupId: string): Promise<number> {
  const [extents, [committed]] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchOffsets({ groupId, topics: [topic] }),
  ]);
  let lag = 0;
  for (const { partition, low, high } of extents) {
    // -1 before the first commit.
    const offset = committed?.partitions.find((each) => each.partition === partition)?.offset ?? -1;
    lag += Math.max(0, Number(high) - Math.max(Number(low), Number(offset)));
  }
  return lag;
}

/** Errors of a broker that the same message causes every time. */
const REFUSALS = ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "INVALID_RECORD"];

/** Why a broker rejects a message permanently; undefined for an error that a retry may avoid. */
function kafkaRefusal(error: unknown): string | undefined {
  const { type, message } = (error ?? {}) as { type?: unknown; message?: unknown };
  return REFUSALS.includes(String(type)) ? `${String(type)}: ${String(message)}` : undefined;
}
