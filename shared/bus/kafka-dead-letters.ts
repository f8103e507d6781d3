import { randomUUID } from "node:crypto";
import type { Kafka, KafkaMessage } from "kafkajs";
import type { DeadLetter } from "./bus.ts";
import { fromDeadLetter } from "./kafka-messages.ts";

const FETCH_WAIT_MS = 100;

/** Up to `max` dead letters that lie in a topic now, oldest first, as a group that nobody else is in. */
export async function readDeadLetters(
  kafka: Kafka,
  topic: string,
  max: number,
): Promise<readonly DeadLetter[]> {
  const missing = await ends(kafka, topic);
  if (missing.size === 0) return [];
  const found: KafkaMessage[] = [];
  const consumer = kafka.consumer({
    groupId: `${topic}.reader-${randomUUID()}`,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    allowAutoTopicCreation: false,
    retry: { restartOnFailure: () => Promise.resolve(false) },
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer.run({
        autoCommit: false,
        eachMessage: ({ partition, message }) => {
          found.push(message);
          if (BigInt(message.offset) + 1n >= (missing.get(partition) ?? 0n)) {
            missing.delete(partition);
          }
          if (missing.size === 0) resolve();
          return Promise.resolve();
        },
      }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return found.sort((one, other) => Number(one.timestamp) - Number(other.timestamp))
    .slice(0, max).map(fromDeadLetter);
}

/** Where each partition that holds anything ends. */
async function ends(kafka: Kafka, topic: string): Promise<Map<number, bigint>> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(topic);
    const filled = offsets.filter(({ low, high }) => BigInt(high) > BigInt(low));
    return new Map(filled.map(({ partition, high }) => [partition, BigInt(high)]));
  } finally {
    await admin.disconnect();
  }
}
