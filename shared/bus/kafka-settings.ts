import type { SASLOptions } from "kafkajs";
import { z } from "zod";
import { durationUpTo, listOf, type SettingProblem } from "../config.ts";
import { type Certificates, readPemFiles } from "../pem-files.ts";

const brokerAddress = z.string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):[0-9]{1,5}$/, {
    error: "is not an address such as 127.0.0.1:9092",
  });
/** Two members must be able to share the topic. */
export const PARTITIONS_MIN = 2;
/** More than any cluster supports; catches mistyped numbers. */
const COUNT_MAX = 10_000;
/** Ten years: longer is `forever`. */
const RETENTION_MAX_DAYS = 3_650;
const FOREVER_MS = -1;

function count(min: number) {
  return z.string().regex(/^[0-9]{1,6}$/, { error: "is not a whole number" }).transform(Number)
    .refine((value) => value >= min && value <= COUNT_MAX, {
      error: `is not a number from ${min} to ${COUNT_MAX}`,
    });
}

const retention = z.union(
  [z.literal("forever").transform(() => FOREVER_MS), durationUpTo(RETENTION_MAX_DAYS)],
  { error: `is neither forever nor a duration such as 168h, at most ${RETENTION_MAX_DAYS} days` },
);

/** The Apache Kafka settings. Without brokers the others have no effect. */
export const kafkaSettings = {
  KAFKA_BROKERS: listOf(brokerAddress).prefault(""),
  KAFKA_TLS: z.enum(["true", "false"]).default("false"),
  KAFKA_TLS_CA: z.string().optional(),
  KAFKA_TLS_CERT: z.string().optional(),
  KAFKA_TLS_KEY: z.string().optional(),
  KAFKA_SASL_MECHANISM: z.enum(["plain", "scram-sha-256", "scram-sha-512"]).optional(),
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: z.string().optional(),
  KAFKA_TOPIC_PARTITIONS: count(PARTITIONS_MIN).optional(),
  KAFKA_TOPIC_REPLICATION_FACTOR: count(1).optional(),
  KAFKA_TOPIC_RETENTION: retention.optional(),
  KAFKA_TOPIC_MIN_INSYNC_REPLICAS: count(1).optional(),
};

export type KafkaConfig = z.output<z.ZodObject<typeof kafkaSettings>>;

/** Topics are created with these, and checked against them later. Unset: the cluster's default. */
export interface TopicSettings {
  readonly partitions?: number | undefined;
  readonly replicationFactor?: number | undefined;
  /** -1: forever. */
  readonly retentionMs?: number | undefined;
  readonly minInSyncReplicas?: number | undefined;
}

/** Authentication of the client and the brokers, as kafkajs takes it. */
export interface KafkaSecurity {
  readonly ssl?: Certificates;
  readonly sasl?: SASLOptions;
}

/** Finds settings that contradict each other. */
export function checkKafka(config: KafkaConfig): SettingProblem[] {
  const problems: SettingProblem[] = [];
  const needs = (name: keyof KafkaConfig, ...others: (keyof KafkaConfig)[]) => {
    if (config[name] === undefined) return;
    const missing = others.filter((other) => config[other] === undefined);
    if (missing.length > 0) problems.push({ name, message: `needs ${missing.join(" and ")}` });
  };
  needs("KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD");
  needs("KAFKA_SASL_USERNAME", "KAFKA_SASL_MECHANISM");
  needs("KAFKA_SASL_PASSWORD", "KAFKA_SASL_MECHANISM");
  needs("KAFKA_TLS_CERT", "KAFKA_TLS_KEY");
  needs("KAFKA_TLS_KEY", "KAFKA_TLS_CERT");
  for (const name of ["KAFKA_TLS_CA", "KAFKA_TLS_CERT"] as const) {
    if (config[name] && config.KAFKA_TLS === "false") {
      problems.push({ name, message: "needs KAFKA_TLS=true" });
    }
  }
  const { KAFKA_TOPIC_MIN_INSYNC_REPLICAS: inSync, KAFKA_TOPIC_REPLICATION_FACTOR: all } = config;
  if (inSync !== undefined && all !== undefined && inSync > all) {
    const message = `is more than KAFKA_TOPIC_REPLICATION_FACTOR, ${all}: nothing could be written`;
    problems.push({ name: "KAFKA_TOPIC_MIN_INSYNC_REPLICAS", message });
  }
  return problems;
}

export function topicSettings(config: KafkaConfig): TopicSettings {
  return {
    partitions: config.KAFKA_TOPIC_PARTITIONS,
    replicationFactor: config.KAFKA_TOPIC_REPLICATION_FACTOR,
    retentionMs: config.KAFKA_TOPIC_RETENTION,
    minInSyncReplicas: config.KAFKA_TOPIC_MIN_INSYNC_REPLICAS,
  };
}

/**
 * Reads the files named in the settings.
 * @throws {ConfigError} naming every file that cannot be read
 */
export function kafkaSecurity(config: KafkaConfig): KafkaSecurity {
  const { KAFKA_SASL_MECHANISM: mechanism } = config;
  const { KAFKA_SASL_USERNAME: username = "", KAFKA_SASL_PASSWORD: password = "" } = config;
  return {
    ...(config.KAFKA_TLS === "true" && {
      ssl: readPemFiles(config, {
        ca: "KAFKA_TLS_CA",
        cert: "KAFKA_TLS_CERT",
        key: "KAFKA_TLS_KEY",
      }),
    }),
    ...(mechanism && { sasl: { mechanism, username, password } as SASLOptions }),
  };
}
