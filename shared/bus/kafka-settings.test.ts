import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readConfig } from "../config.ts";
import { checkKafka, kafkaSecurity, kafkaSettings, topicSettings } from "./kafka-settings.ts";

const read = (environment: Record<string, string>) =>
  readConfig(kafkaSettings, environment, checkKafka);

test("KAFKA_BROKERS is a list of addresses", () => {
  const { KAFKA_BROKERS } = read({ KAFKA_BROKERS: "a:9092, b.example:19092,[::1]:9092" });
  expect(KAFKA_BROKERS).toEqual(["a:9092", "b.example:19092", "[::1]:9092"]);
});

test.each(["kafka", "kafka:", "kafka://kafka:9092", "::1:9092", "[::1]", "[::1:9092", "[host]:1"])(
  "KAFKA_BROKERS rejects %s",
  (brokers) => {
    expect(() => read({ KAFKA_BROKERS: `a:9092,${brokers}` }))
      .toThrow(/KAFKA_BROKERS\.1: is not an address such as 127\.0\.0\.1:9092/);
  },
);

test("unset settings are left to the cluster", () => {
  const config = read({});
  expect(Object.values(topicSettings(config))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(kafkaSecurity(config)).toEqual({});
});

test("topic settings are numbers and durations", () => {
  const config = read({
    KAFKA_TOPIC_PARTITIONS: "12",
    KAFKA_TOPIC_REPLICATION_FACTOR: "3",
    KAFKA_TOPIC_RETENTION: "720h",
    KAFKA_TOPIC_MIN_INSYNC_REPLICAS: "2",
  });
  expect(topicSettings(config)).toEqual({
    partitions: 12,
    replicationFactor: 3,
    retentionMs: 30 * 24 * 60 * 60_000,
    minInSyncReplicas: 2,
  });
  expect(topicSettings(read({ KAFKA_TOPIC_RETENTION: "forever" })).retentionMs).toBe(-1);
});

test.each([
  [{ KAFKA_TOPIC_PARTITIONS: "1" }, "KAFKA_TOPIC_PARTITIONS: is not a number from 2 to 10000"],
  [{ KAFKA_TOPIC_PARTITIONS: "3.5" }, "KAFKA_TOPIC_PARTITIONS: is not a whole number"],
  [{ KAFKA_TOPIC_RETENTION: "a week" }, "KAFKA_TOPIC_RETENTION: is neither forever nor a duration"],
  [
    { KAFKA_TOPIC_REPLICATION_FACTOR: "1", KAFKA_TOPIC_MIN_INSYNC_REPLICAS: "2" },
    "KAFKA_TOPIC_MIN_INSYNC_REPLICAS: is more than KAFKA_TOPIC_REPLICATION_FACTOR, 1",
  ],
  [
    { KAFKA_SASL_MECHANISM: "plain" },
    "KAFKA_SASL_MECHANISM: needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
  ],
  [{ KAFKA_TLS_CA: "ca.pem" }, "KAFKA_TLS_CA: needs KAFKA_TLS=true"],
  [{ KAFKA_TLS: "true", KAFKA_TLS_CERT: "c.pem" }, "KAFKA_TLS_CERT: needs KAFKA_TLS_KEY"],
])("%o is rejected", (environment, problem) => {
  expect(() => read(environment as unknown as Record<string, string>)).toThrow(problem);
});

test("a problem with SASL does not reveal the password", () => {
  expect(() => read({ KAFKA_SASL_PASSWORD: "secret", KAFKA_SASL_MECHANISM: "secret" }))
    .toThrow(/^(?![\s\S]*: .*"?secret)/);
});

test("SASL and TLS settings become options of kafkajs", () => {
  const config = read({
    KAFKA_TLS: "true",
    KAFKA_TLS_CA: "-----BEGIN CERTIFICATE-----",
    KAFKA_SASL_MECHANISM: "scram-sha-512",
    KAFKA_SASL_USERNAME: "loms",
    KAFKA_SASL_PASSWORD: "secret",
  });
  expect(kafkaSecurity(config)).toEqual({
    ssl: { ca: "-----BEGIN CERTIFICATE-----" },
    sasl: { mechanism: "scram-sha-512", username: "loms", password: "secret" },
  });
});

test("an error names the settings of unreadable files, since a value may be a key", () => {
  const config = read({
    KAFKA_TLS: "true",
    KAFKA_TLS_CERT: "cert.pem",
    KAFKA_TLS_KEY: "MIIEsecret",
  });
  expect(() => kafkaSecurity(config)).toThrow(
    /:\n {2}KAFKA_TLS_CERT: cannot be read \(ENOENT\)\n {2}KAFKA_TLS_KEY: cannot be .*\(ENOENT\)$/,
  );
});

test("a file without PEM text is rejected: Node would accept every public authority", () => {
  const file = fileURLToPath(import.meta.url);
  expect(() => kafkaSecurity(read({ KAFKA_TLS: "true", KAFKA_TLS_CA: file })))
    .toThrow(`KAFKA_TLS_CA: names ${file}, a file without -----BEGIN`);
});
