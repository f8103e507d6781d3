import kafkajs, { type Admin, type IResourceConfigEntry, type ITopicConfig } from "kafkajs";
import { type Clock, sleep, systemClock } from "../async/request-context.ts";
import { AppError } from "../errors.ts";
import type { Topic } from "./bus.ts";
import { PARTITIONS_MIN, type TopicSettings } from "./kafka-settings.ts";

/** The number of members that can share the work. Changing it later would reorder keys. */
const PARTITIONS = 3;
/** The dead-letter queue is short, and operators read it in order. */
const DEAD_LETTER_PARTITIONS = 1;
/** Messages stay in the dead-letter queue until an operator handles them. */
const DEAD_LETTER_RETENTION_MS = -1;
/** Any message of the topic must fit with the reason added; a broker's default is 1 MiB. */
const DEAD_LETTER_MAX_BYTES = 16 << 20;
/** How long a new topic may take to reach all brokers of a cluster. */
const UNKNOWN_MAX_MS = 10_000;
const UNKNOWN_RETRY_MS = 100;
/** The broker's default, which suits its cluster. */
const BROKERS_DEFAULT = -1;

/**
 * Creates the missing topics and checks an existing one against the settings.
 * @throws {AppError} `failed_precondition` naming the topic that the broker cannot create, or each
 * setting in which the topic differs
 */
export async function createTopics(
  admin: Admin,
  topic: Topic,
  settings: TopicSettings,
): Promise<void> {
  const existing = await admin.listTopics();
  const missing = topicsOf(topic, settings).filter((each) => !existing.includes(each.topic));
  if (missing.length > 0) await create(admin, missing);
  const differences = [
    ...await shapeDifferences(admin, topic.name, settings),
    // A broker may not report the configuration of a topic that was just created.
    ...(existing.includes(topic.name) ? await configDifferences(admin, topic.name, settings) : []),
  ];
  if (differences.length === 0) return;
  throw new AppError(
    "failed_precondition",
    `Cannot use the topic ${topic.name} as it is: ${differences.join("; ")}. ` +
      "Change the topic or the settings",
  );
}

/** If another process creates them at the same time, kafkajs reports no failure. */
async function create(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  try {
    await admin.createTopics({ topics, waitForLeaders: true });
  } catch (error) {
    const { errors = [] } = error as { errors?: { topic: string; message: string }[] };
    if (errors.length === 0) throw error;
    // The broker's reasons: too few brokers for the replicas, no permission to create.
    const reasons = errors.map(({ topic, message }) => `${topic}: ${message}`);
    throw new AppError("failed_precondition", `Cannot create the topic ${reasons.join("; ")}`, {
      cause: error,
    });
  }
}

/** Repeats `work` on an existing topic until the broker that answers has its metadata. */
export async function onceKnown<Value>(
  work: () => Promise<Value>,
  clock: Clock = systemClock,
): Promise<Value> {
  const giveUpAt = clock.now() + UNKNOWN_MAX_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const { type } = error as { readonly type?: unknown };
      if (type !== "UNKNOWN_TOPIC_OR_PARTITION" || clock.now() >= giveUpAt) throw error;
      await sleep(clock, UNKNOWN_RETRY_MS);
    }
  }
}

/** The topic of the messages, and its dead-letter queue. */
function topicsOf(
  { name, deadLetterQueue }: Topic,
  settings: TopicSettings,
): [ITopicConfig, ITopicConfig] {
  const replicationFactor = settings.replicationFactor ?? BROKERS_DEFAULT;
  const forever = { ...settings, retentionMs: DEAD_LETTER_RETENTION_MS };
  return [{
    topic: name,
    numPartitions: settings.partitions ?? PARTITIONS,
    replicationFactor,
    configEntries: entriesOf(settings),
  }, {
    topic: deadLetterQueue,
    numPartitions: DEAD_LETTER_PARTITIONS,
    replicationFactor,
    configEntries: [
      ...entriesOf(forever),
      { name: "max.message.bytes", value: String(DEAD_LETTER_MAX_BYTES) },
    ],
  }];
}

/** The configuration entries of the settings that are set. */
function entriesOf({ retentionMs, minInSyncReplicas }: TopicSettings): IResourceConfigEntry[] {
  return [
    { name: "retention.ms", value: retentionMs },
    { name: "min.insync.replicas", value: minInSyncReplicas },
  ].flatMap(({ name, value }) => value === undefined ? [] : [{ name, value: String(value) }]);
}

async function shapeDifferences(
  admin: Admin,
  name: string,
  { partitions: wanted, replicationFactor }: TopicSettings,
): Promise<string[]> {
  const { topics } = await onceKnown(() => admin.fetchTopicMetadata({ topics: [name] }));
  const partitions = topics[0]?.partitions ?? [];
  const found = partitions.length;
  const differences: string[] = [];
  if (found < PARTITIONS_MIN) {
    differences.push(`it has ${found} partitions, at least ${PARTITIONS_MIN} are needed`);
  } else if (wanted !== undefined && found !== wanted) {
    differences.push(`it has ${found} partitions, KAFKA_TOPIC_PARTITIONS is ${wanted}`);
  }
  const replicas = Math.min(...partitions.map((each) => each.replicas.length));
  if (replicationFactor !== undefined && found > 0 && replicas !== replicationFactor) {
    differences.push(
      `it has ${replicas} replicas, KAFKA_TOPIC_REPLICATION_FACTOR is ${replicationFactor}`,
    );
  }
  return differences;
}

async function configDifferences(
  admin: Admin,
  name: string,
  settings: TopicSettings,
): Promise<string[]> {
  const wanted = entriesOf(settings);
  // Describing needs a permission that a client without these settings may lack.
  if (wanted.length === 0) return [];
  const { resources } = await admin.describeConfigs({
    resources: [{
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name,
      configNames: wanted.map((entry) => entry.name),
    }],
    includeSynonyms: false,
  });
  const found = new Map(
    resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]),
  );
  return wanted.filter((entry) => found.get(entry.name) !== entry.value).map((entry) =>
    `its ${entry.name} is ${found.get(entry.name)}, the setting is ${entry.value}`
  );
}
