import { randomUUID } from "node:crypto";
import type { Admin, Kafka, KafkaMessage, Message } from "kafkajs";
import type { DeadLetter } from "./bus.ts";
import { fromDeadLetter, withoutDeadLetter } from "./kafka-messages.ts";

const FETCH_WAIT_MS = 100;
/** Joining a group takes about a second. */
const READ_MAX_MS = 30_000;

interface Found {
  readonly partition: number;
  readonly message: KafkaMessage;
}

/** The offsets of a partition: `low` inclusive, `high` exclusive. */
interface Extent {
  readonly low: bigint;
  readonly high: bigint;
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
    if (found.length === 0) return 0;
    for (const { message } of found) await send([withoutDeadLetter(message)]);
    const ends = new Map<number, string>();
    for (const { partition, message } of found) {
      ends.set(partition, String(BigInt(message.offset) + 1n));
    }
    const partitions = [...ends].map(([partition, offset]) => ({ partition, offset }));
    await admin.deleteTopicRecords({ topic, partitions });
    return found.length;
  });
}

/** The oldest `max` messages: of each partition a contiguous first part. */
async function oldest(kafka: Kafka, admin: Admin, topic: string, max: number): Promise<Found[]> {
  const found = await readFirst(kafka, topic, await extents(admin, topic), max);
  // Within a partition the log decides the order, not the producers' clocks.
  const times = new Map<number, number>();
  const timed = found.map((each) => {
    const time = Math.max(Number(each.message.timestamp), times.get(each.partition) ?? 0);
    times.set(each.partition, time);
    return { ...each, time };
  });
  return timed.sort((one, other) => one.time - other.time).slice(0, max);
}

/** The first `max` messages of each partition, read as the only member of a new group. */
async function readFirst(
  kafka: Kafka,
  topic: string,
  missing: ReadonlyMap<number, Extent>,
  max: number,
): Promise<Found[]> {
  const ends = new Map([...missing].map(([partition, { low, high }]) => {
    const last = low + BigInt(max);
    return [partition, last < high ? last : high];
  }));
  if (ends.size === 0) return [];
  const found: Found[] = [];
  const groupId = `${topic}.reader-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    allowAutoTopicCreation: false,
    retry: { restartOnFailure: () => Promise.resolve(false) },
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const late = new Error(`${topic} was not read within ${READ_MAX_MS / 1_000} s`);
      setTimeout(() => reject(late), READ_MAX_MS).unref();
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer.run({
        autoCommit: false,
        eachMessage: ({ partition, message }) => {
          const end = ends.get(partition);
          if (end !== undefined && BigInt(message.offset) < end) found.push({ partition, message });
          if (end !== undefined && BigInt(message.offset) + 1n >= end) ends.delete(partition);
          if (ends.size === 0) resolve();
          return Promise.resolve();
        },
      }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return found;
}

/** The partitions that are not empty. */
async function extents(admin: Admin, topic: string): Promise<Map<number, Extent>> {
  const offsets = await admin.fetchTopicOffsets(topic);
  const all = offsets.map(({ partition, low, high }): [number, Extent] => [
    partition,
    { low: BigInt(low), high: BigInt(high) },
  ]);
  return new Map(all.filter(([, { low, high }]) => high > low));
}

async function withAdmin<Result>(
  kafka: Kafka,
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
