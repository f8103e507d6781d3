import type { Admin } from "kafkajs";
import { AppError } from "../errors.ts";
import type { Topic } from "./bus.ts";

/** As many members of a group work at once; more idle. Changing it later would reorder keys. */
export const PARTITIONS = 3;
/** Two members must be able to share the topic. */
const PARTITIONS_MIN = 2;
/** Dead letters are few, and people read them in order. */
const DEAD_LETTER_PARTITIONS = 1;
/** Takes the broker's default, which suits its cluster. */
const BROKERS_DEFAULT = -1;

/**
 * Creates the topics that do not exist and checks the one that does.
 * @throws {AppError} `unavailable` for a topic of too few partitions
 */
export async function createTopics(admin: Admin, topic: Topic): Promise<void> {
  const existing = await admin.listTopics();
  const missing = [
    { topic: topic.name, numPartitions: PARTITIONS, replicationFactor: BROKERS_DEFAULT },
    {
      topic: topic.deadLetters,
      numPartitions: DEAD_LETTER_PARTITIONS,
      replicationFactor: BROKERS_DEFAULT,
    },
  ].filter((each) => !existing.includes(each.topic));
  // Another process may create them at the same moment: to kafkajs that is no failure.
  if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: true });
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic.name] });
  const partitions = topics[0]?.partitions.length ?? 0;
  if (partitions >= PARTITIONS_MIN) return;
  throw new AppError(
    "unavailable",
    `Cannot use ${topic.name}: ${partitions} partitions, at least ${PARTITIONS_MIN} are needed`,
  );
}
