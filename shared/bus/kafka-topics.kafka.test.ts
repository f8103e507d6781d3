import { randomUUID } from "node:crypto";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import type { TestKafka } from "../../stack/test/kafka-setup.ts";
import { createLogger } from "../telemetry/log.ts";
import type { Bus, Topic } from "./bus.ts";
import { createBus } from "./create-bus.ts";
import { KafkaBus } from "./kafka.ts";
import { checkKafka, kafkaSettings, type TopicSettings } from "./kafka-settings.ts";
import { readConfig } from "../config.ts";
import { eachMessage } from "./test/each-message.ts";
import { Inbox, message } from "./test/inbox.ts";

const silent = createLogger({ service: "stack", level: "error", write: () => {} });
const kafka = inject("kafka") as TestKafka;

function newTopic(): Topic {
  const name = `test-${randomUUID()}`;
  return { name, groups: [name], deadLetterQueue: `${name}.dlq` };
}

function openBus(topics?: TopicSettings): Bus {
  const bus = new KafkaBus({ brokers: [kafka.address], log: silent, ...(topics && { topics }) });
  onTestFinished(() => bus.close());
  return bus;
}

/** A bus from the environment of a service. */
async function openSecure(environment: Record<string, string>): Promise<Bus> {
  const given = { KAFKA_BROKERS: kafka.secure.address, ...environment };
  const config = readConfig(kafkaSettings, given, checkKafka);
  const bus = await createBus({ ...config, BUS_DATABASE_URL: "" }, silent);
  onTestFinished(() => bus.close());
  return bus;
}

describe.skipIf(!kafka)("on Apache Kafka", () => {
  const settings: TopicSettings = {
    partitions: 5,
    replicationFactor: 1,
    retentionMs: 3_600_000,
    minInSyncReplicas: 1,
  };

  test("ensureTopic() creates topics by the settings, and accepts existing ones", async () => {
    const topic = newTopic();
    await openBus(settings).ensureTopic(topic);
    await openBus(settings).ensureTopic(topic);
    // Without settings any configuration is accepted.
    await openBus().publish(topic, [message("a", "0")]);
  });

  test("ensureTopic() names each setting in which an existing topic differs", async () => {
    const topic = newTopic();
    await openBus(settings).ensureTopic(topic);
    const other = openBus({ ...settings, partitions: 6, retentionMs: -1 });
    await expect(other.ensureTopic(topic)).rejects.toMatchObject({
      code: "failed_precondition",
      message: `Cannot use the topic ${topic.name} as it is: ` +
        "it has 5 partitions, KAFKA_TOPIC_PARTITIONS is 6; " +
        "its retention.ms is 3600000, the setting is -1. Change the topic or the settings",
    });
  });

  test("ensureTopic() reports why the broker does not create a topic", async () => {
    const bus = openBus({ replicationFactor: 3 });
    await expect(bus.ensureTopic(newTopic())).rejects.toMatchObject({
      code: "failed_precondition",
      message: expect.stringMatching(
        /^Cannot create the topic test-.*: Replication-factor is invalid/,
      ),
    });
  });

  test.each(["plain", "scram-sha-512"])("SASL %s over TLS carries messages", async (mechanism) => {
    const topic = newTopic();
    const { user, password, ca } = kafka.secure;
    const bus = await openSecure({
      KAFKA_TLS: "true",
      KAFKA_TLS_CA: ca,
      KAFKA_SASL_MECHANISM: mechanism,
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: password,
    });
    await bus.publish(topic, [message("a", "0")]);
    const inbox = new Inbox();
    await bus.subscribe({ topic, group: topic.name, handle: eachMessage(inbox.take) });
    await inbox.holds(1);
    expect(inbox.values()).toEqual(["0"]);
  });

  test("a wrong password is rejected, and no error contains it", async () => {
    const bus = await openSecure({
      KAFKA_TLS: "true",
      KAFKA_TLS_CA: kafka.secure.ca,
      KAFKA_SASL_MECHANISM: "plain",
      KAFKA_SASL_USERNAME: kafka.secure.user,
      KAFKA_SASL_PASSWORD: "not-the-password",
    });
    const error = await bus.ensureTopic(newTopic()).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "unavailable" });
    const { cause } = error as Error;
    expect(String(cause)).toMatch(/SASL PLAIN authentication failed/i);
    expect(`${String(error)} ${JSON.stringify(cause)} ${String(cause)}`)
      .not.toContain("not-the-password");
  });

  test("a broker with an untrusted certificate receives no password", async () => {
    const { user, password } = kafka.secure;
    const bus = await openSecure({
      KAFKA_TLS: "true",
      KAFKA_SASL_MECHANISM: "plain",
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: password,
    });
    await expect(bus.ensureTopic(newTopic())).rejects.toMatchObject({
      code: "unavailable",
      cause: expect.objectContaining({ message: expect.stringMatching(/self.signed/i) }),
    });
  });
});
