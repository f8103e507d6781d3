import type { JobInsert, PgBoss, QueueOptions } from "pg-boss";
import { AppError } from "../errors.ts";
import type { DeadLetter, IncomingMessage, OutgoingMessage, Topic } from "./bus.ts";

/** The jobs of a key run one at a time, in order; one that waits for a retry blocks its key. */
const FIFO_PER_KEY = "key_strict_fifo";
/** The largest int4: a job without retries left would block its key permanently. */
const RETRY_LIMIT_MAX = 2_147_483_647;
/** 68 years. pg-boss deletes jobs that wait longer, and none may be lost. */
const RETENTION_S = 2_147_483_647;
/**
 * The maximum of pg-boss: handlers may be slow, and dead processes are found by their heartbeat.
 */
const EXPIRE_S = 24 * 60 * 60;
/** Delay between redeliveries by the database (1 to 2 s after the first), in seconds. */
const RETRY_DELAY_S = 1;
const RETRY_DELAY_MAX_S = 5;
/**
 * A member without a heartbeat for this long is considered dead, in seconds. pg-boss accepts less
 * than 10 only for a job, not for a queue.
 */
const HEARTBEAT_S = 4;

const FIFO_OPTIONS = {
  retryLimit: RETRY_LIMIT_MAX,
  retryDelay: RETRY_DELAY_S,
  retryBackoff: true,
  retryDelayMax: RETRY_DELAY_MAX_S,
  expireInSeconds: EXPIRE_S,
  retentionSeconds: RETENTION_S,
} as const satisfies QueueOptions;

/** The queue of a topic's messages for one group. */
export function queueName(topic: Topic, group: string): string {
  return `${topic.name}/${group}`;
}

/** Creates the queues of a topic; other processes may do the same at once. */
export async function createQueues(boss: PgBoss, topic: Topic): Promise<void> {
  await createQueue(boss, topic.deadLetterQueue, "standard", { retentionSeconds: RETENTION_S });
  for (const group of topic.groups) {
    await createQueue(boss, queueName(topic, group), FIFO_PER_KEY, FIFO_OPTIONS);
  }
}

async function createQueue(
  boss: PgBoss,
  name: string,
  policy: string,
  options: QueueOptions,
): Promise<void> {
  await boss.createQueue(name, { ...options, policy });
  const queue = await boss.getQueue(name);
  if (queue?.policy !== policy) {
    throw new AppError(
      "failed_precondition",
      `Queue ${name} has policy ${queue?.policy}, not ${policy}: another program created it`,
    );
  }
  await boss.updateQueue(name, options);
}

export function toJob(
  { key, value, headers }: OutgoingMessage,
  id: string,
): JobInsert<OutgoingMessage> {
  const data = { key, value, headers };
  return { id, singletonKey: key, data, heartbeatSeconds: HEARTBEAT_S };
}

/** `id` is the id of the message, so that dead-lettering it twice stores it once. */
export function toDeadLetterJob(
  id: string,
  { key, value, headers, position }: IncomingMessage,
  reason: string,
): JobInsert<DeadLetter> {
  return { id, data: { key, value, headers, reason, position } };
}
