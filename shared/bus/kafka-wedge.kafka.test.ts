import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import type { TestKafka } from "../../stack/test/kafka-setup.ts";
import { createLogger } from "../telemetry/log.ts";
import type { Bus, Topic } from "./bus.ts";
import { KafkaBus } from "./kafka.ts";
import { eachMessage } from "./test/each-message.ts";
import { Inbox, message } from "./test/inbox.ts";

const silent = createLogger({ service: "stack", level: "error", write: () => {} });
const kafka = inject("kafka") as TestKafka;
const WATCH = { silenceMaxMs: 1_000, handlerMaxMs: 1_000, everyMs: 200 };

function openBus(): Bus {
  const bus = new KafkaBus({ brokers: [kafka.address], log: silent, watch: WATCH });
  onTestFinished(() => bus.close());
  return bus;
}

function newTopic(): Topic {
  const name = `test-${randomUUID()}`;
  return { name, groups: [name], deadLetterQueue: `${name}.dlq` };
}

/** Leaves every fetch of this process unanswered, as when kafkajs waits for a lost response. */
function swallowFetches(): void {
  const load = createRequire(import.meta.url);
  const broker = load("kafkajs/src/broker/index.js") as { prototype: { fetch: unknown } };
  const { fetch } = broker.prototype;
  broker.prototype.fetch = () => new Promise(() => {});
  onTestFinished(() => {
    broker.prototype.fetch = fetch;
  });
}

describe.skipIf(!kafka)("on Apache Kafka", () => {
  test("a consumer that hangs while the broker answers fails its subscription", async () => {
    const bus = openBus();
    const topic = newTopic();
    const inbox = new Inbox();
    const { failed } = await bus.subscribe({
      topic,
      group: topic.name,
      handle: eachMessage(inbox.take),
    });
    await bus.publish(topic, [message("a", "0")]);
    await inbox.holds(1);
    swallowFetches();
    await expect(failed).rejects.toThrow(/The consumer hangs: no sign of life/);
  });
});
