import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import { ORDER_EVENTS } from "../../proto/order-event.ts";
import type { CloseStack } from "../../shared/lifecycle.ts";
import { startKafka } from "../../stack/kafka/broker.ts";
import { kafkaJars, whyNoKafka } from "../../stack/kafka/jars.ts";
import { cpuTimes, cpuUsPerCall, type Part } from "../cpu-time.ts";
import type { Measured } from "../load/load.ts";
import { measuredBy } from "../rounds.ts";

const CACHE = fileURLToPath(new URL("../../.data/cache", import.meta.url));
const BARE_TOPIC = "bench.bare";
/** As many as one publish of the relay. */
const MESSAGES_A_SEND = 500;
/** As the topic of order events has. */
const PARTITIONS = 3;
const POLL_MS = 10;
const DRAIN_MAX_MS = 120_000;

export interface Broker extends Part {
  /** The settings for services that use it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Order events in its topic. */
  published(): Promise<number>;
  /** Measures from the first event after `before` until `events` of them are there. */
  watch(before: number, events: number, parts: readonly Part[]): Promise<Measured>;
  /** Sends messages like the relay's with a bare producer in this process. */
  produce(messages: number): Promise<{ seconds: number; cpuUs: Readonly<Record<string, number>> }>;
}

/** Why Kafka cannot run here; undefined if it can. */
export function whyNoBroker(): string | undefined {
  const reason = whyNoKafka(CACHE);
  return reason && `Apache Kafka cannot run: ${reason}`;
}

export async function openBroker(opened: CloseStack): Promise<Broker> {
  const directory = mkdtempSync(join(tmpdir(), "marketplace-bench-kafka-"));
  opened.push("Kafka's data", () => rmSync(directory, { recursive: true, force: true }));
  const kafka = await startKafka({ jars: await kafkaJars(CACHE), directory });
  opened.push("Kafka", () => kafka.close());
  const client = new Kafka({ brokers: [kafka.address], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  opened.push("the admin client", () => admin.disconnect());
  const producer = client.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  opened.push("the producer", () => producer.disconnect());
  await admin.createTopics({ topics: [{ topic: BARE_TOPIC, numPartitions: PARTITIONS }] });
  const published = () => countIn(admin, ORDER_EVENTS.name);
  return {
    name: "Kafka",
    pid: () => kafka.identity?.pid ?? 0,
    environment: { KAFKA_BROKERS: kafka.address },
    published,
    watch: (before, events, parts) => watch(published, { before, events, parts }),
    produce: (messages) => produce(producer, messages),
  };
}

async function countIn(admin: Admin, topic: string): Promise<number> {
  const offsets = await admin.fetchTopicOffsets(topic).catch(() => []);
  return offsets.reduce((sum, { high }) => sum + Number(high), 0);
}

async function watch(
  published: () => Promise<number>,
  { before, events, parts }: { before: number; events: number; parts: readonly Part[] },
): Promise<Measured> {
  const deadline = performance.now() + DRAIN_MAX_MS;
  const used = cpuTimes(parts);
  let first: { count: number; at: number } | undefined;
  for (;;) {
    const count = await published() - before;
    const at = performance.now();
    if (count > 0) first ??= { count, at };
    if (first && count >= events) {
      const cpuUs = cpuUsPerCall(parts, [used, cpuTimes(parts)], events);
      return measuredBy({ calls: count - first.count, seconds: (at - first.at) / 1_000, cpuUs });
    }
    if (at > deadline) throw new Error(`${count} of ${events} events were published in time`);
    await wait(POLL_MS);
  }
}

async function produce(producer: Producer, count: number) {
  const messages = Array.from({ length: count }, (_, index) => messageOf(index));
  const [before, startedAt] = [process.cpuUsage(), performance.now()];
  for (let from = 0; from < count; from += MESSAGES_A_SEND) {
    const some = messages.slice(from, from + MESSAGES_A_SEND);
    await producer.send({ topic: BARE_TOPIC, messages: some, acks: -1 });
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(before);
  return { seconds, cpuUs: { producer: (user + system) / count } };
}

/** Key, value and headers of an event of loms. */
function messageOf(index: number) {
  const [orderId, at] = [1_000_000 + index, new Date().toISOString()];
  const id = `${orderId}-1`;
  const event = { id, order_id: orderId, user_id: 7, seq: 1, status: "awaiting payment", at };
  return {
    key: String(orderId),
    value: JSON.stringify(event),
    headers: {
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      ...{ ce_id: id, ce_type: "loms.order.status-changed", ce_source: "/loms" },
      ...{ ce_specversion: "1.0", ce_time: at, "content-type": "application/json" },
    },
  };
}
