import { randomUUID } from "node:crypto";
import type { Admin, Kafka, KafkaMessage, Message } from "kafkajs";
import type { DeadLetter } from "./bus.ts";
import { withAdmin } from "./kafka-client.ts";
import { fromDeadLetter, withoutDeadLetter } from "./kafka-messages.ts";

const FETCH_WAIT_MS = 100;
/** Joining a group takes about a second. */
const READ_MAX_MS = 30_000;

interface Found {
  readonly partition: number;
  readonly message: KafkaMessage;
}

/** Up to `max` messages that are in the queue now, oldest first. */
export async function readDeadLetterQueue(
  kafka: Kafka,
  topic: string,
  max: number,
): Promise<readonly DeadLetter[]> {
  const found = await withAdmin(kafka, (admin) => oldest(kafka, admin, topic, max));
  return found.map(({ message }) => fromDeadLetter(message));
}

/**
 * Sends up to `max` messages of the queue, oldest first, and removes them; resolves with their
 * number.
 */
export async function replayDeadLetterQueue(
  kafka: Kafka,
  topic: string,
  max: number,
  send: (messages: Message[]) => Promise<void>,
): Promise<number> {
  return await withAdmin(kafka, async (admin) => {
    const found = await oldest(kafka, admin, topic, max);
    for (const { message } of found) await send([withoutDeadLetter(message)]);
    // The last one of each partition counts.
    const ends = new Map(found.map(({ partition, message }) => [partition, after(message)]));
    const partitions = [...ends].map(([partition, end]) => ({ partition, offset: String(end) }));
    if (partitions.length > 0) await admin.deleteTopicRecords({ topic, partitions });
    return found.length;
  });
}

function after({ offset }: KafkaMessage): bigint {
  return BigInt(offset) + 1n;
}

/** The oldest `max` messages: of each partition a contiguous first part. */
async function oldest(kafka: Kafka, admin: Admin, topic: string, max: number): Promise<Found[]> {
  const ends = new Map<number, bigint>();
  for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
    const last = BigInt(low) + BigInt(max);
    if (BigInt(high) > BigInt(low)) ends.set(partition, last < BigInt(high) ? last : BigInt(high));
  }
  const found = ends.size === 0 ? [] : await readUpTo(kafka, topic, ends);
  // Within a partition the log decides the order, not the producers' clocks.
  const times = new Map<number, number>();
  const timed = found.map((each) => {
    const time = Math.max(Number(each.message.timestamp), times.get(each.partition) ?? 0);
    times.set(each.partition, time);
    return { ...each, time };
  });
  return timed.sort((one, other) => one.time - other.time).slice(0, max);
}

/** The messages of each partition up to its end, read as the only member of a new group. */
async function readUpTo(kafka: Kafka, topic: string, ends: Map<number, bigint>): Promise<Found[]> {
  const found: Found[] = [];
  const consumer = kafka.consumer({
    groupId: `${topic}.reader-${randomUUID()}`,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    allowAutoTopicCreation: false,
    retry: { restartOnFailure: () => Promise.resolve(false) },
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const late = new Error(`${topic} was not read within ${READ_MAX_MS / 1_000} s`);
      timer = setTimeout(() => reject(late), READ_MAX_MS);
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer.run({
        autoCommit: false,
        eachMessage: ({ partition, message }) => {
          const end = ends.get(partition) ?? 0n;
          if (BigInt(message.offset) < end) found.push({ partition, message });
          if (after(message) >= end) ends.delete(partition);
          if (ends.size === 0) resolve();
          return Promise.resolve();
        },
      }).catch(reject);
    });
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
  }
  return found;
}
