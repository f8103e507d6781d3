import { randomUUID } from "node:crypto";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { createLogger } from "../telemetry/log.ts";
import { type Bus, type Topic, UnreadableMessageError } from "./bus.ts";
import { type BusFixture, describeBus, type StuckMember } from "./bus-contract.ts";
import { describeBusHealth } from "./bus-health-contract.ts";
import { KafkaBus, type KafkaBusOptions } from "./kafka.ts";
import { eachMessage } from "./test/each-message.ts";
import { Inbox, message } from "./test/inbox.ts";
import { SESSION_MS } from "./test/session.ts";
import { startStuckMember } from "./test/stuck-process.ts";

const silent = createLogger({ service: "stack", level: "error", write: () => {} });
/** Just below the broker's message.max.bytes, 1 MiB, minus the overhead of a record. */
const LARGEST_BYTES = (1 << 20) - 100;
/** Above the broker's message.max.bytes, 1 MiB. */
const TOO_LARGE_BYTES = 1_100_000;

/** The shared broker, which is empty for the unique names of each fixture. */
function openFixture(): Promise<BusFixture> {
  const address = inject("kafka")?.address ?? "";
  const own = `test-${randomUUID()}`;
  const buses: Bus[] = [];
  const members: StuckMember[] = [];
  const open = (brokers: string[], options: Pick<KafkaBusOptions, "watch"> = {}) => {
    const bus = new KafkaBus({ brokers, log: silent, sessionTimeoutMs: SESSION_MS, ...options });
    buses.push(bus);
    return renaming(bus, own);
  };
  return Promise.resolve({
    // Kafka stores committed offsets, not deliveries.
    countsLostAttempts: false,
    refusedValue: "x".repeat(TOO_LARGE_BYTES),
    openBus: (options) => open([address], options),
    openUnreachableBus: () => open(["127.0.0.1:1"]),
    startStuckMember(topic, group) {
      const member = startStuckMember(address, renamed(topic, own), `${own}.${group}`);
      members.push(member);
      return member;
    },
    async close() {
      await Promise.all(members.map((member) => member.kill()));
      await Promise.all(buses.map((bus) => bus.close()));
    },
  });
}

function renamed({ name, groups, deadLetterQueue }: Topic, own: string): Topic {
  return {
    name: `${own}.${name}`,
    groups: groups.map((group) => `${own}.${group}`),
    deadLetterQueue: `${own}.${deadLetterQueue}`,
  };
}

function renaming(bus: Bus, own: string): Bus {
  return {
    ensureTopic: (topic) => bus.ensureTopic(renamed(topic, own)),
    publish: (topic, messages) => bus.publish(renamed(topic, own), messages),
    subscribe: ({ topic, group, handle }) =>
      bus.subscribe({ topic: renamed(topic, own), group: `${own}.${group}`, handle }),
    lag: (topic, group) => bus.lag(renamed(topic, own), `${own}.${group}`),
    readDeadLetterQueue: (topic, max) => bus.readDeadLetterQueue(renamed(topic, own), max),
    replayDeadLetterQueue: (topic, max) => bus.replayDeadLetterQueue(renamed(topic, own), max),
    close: () => bus.close(),
  };
}

describe.skipIf(!inject("kafka"))("on Apache Kafka", () => {
  describeBus("new KafkaBus()", openFixture);
  describeBusHealth("new KafkaBus()", openFixture);

  test("a TypeError of a handler is a failure like any other", async () => {
    const bus = (await openFixture()).openBus();
    onTestFinished(() => bus.close());
    const topic = { name: "events", groups: ["readers"], deadLetterQueue: "events.dlq" };
    const inbox = new Inbox();
    let failure: unknown;
    const subscription = await bus.subscribe({
      topic,
      group: "readers",
      handle: eachMessage((incoming) => {
        if (incoming.attempt < 3) throw new TypeError("Cannot read properties of undefined");
        return inbox.take(incoming);
      }),
    });
    subscription.failed.catch((error: unknown) => failure = error);
    await bus.publish(topic, [message("a", "0"), message("a", "1")]);
    await inbox.holds(2);
    expect(inbox.values()).toEqual(["0", "1"]);
    expect(failure).toBeUndefined();
  });

  test("an unreadable message of the maximum size is dead-lettered", async () => {
    const bus = (await openFixture()).openBus();
    onTestFinished(() => bus.close());
    const topic = { name: "events", groups: ["readers"], deadLetterQueue: "events.dlq" };
    const inbox = new Inbox();
    await bus.subscribe({
      topic,
      group: "readers",
      handle: eachMessage((incoming) => {
        if (incoming.value === "0") return inbox.take(incoming);
        throw new UnreadableMessageError("no JSON ".repeat(50));
      }),
    });
    const large = "x".repeat(LARGEST_BYTES);
    await bus.publish(topic, [message("a", large), message("a", "0")]);
    await inbox.holds(1);
    await expect.poll(() => bus.readDeadLetterQueue(topic, 10)).toMatchObject([{ value: large }]);
  });

  test("publish() rejects a topic that two members cannot share", async () => {
    const bus = (await openFixture()).openBus();
    onTestFinished(() => bus.close());
    const topic = { name: "narrow.dlq", groups: ["readers"], deadLetterQueue: "narrow" };
    // A dead-letter queue has one partition, so this creates such a topic.
    await bus.ensureTopic({ ...topic, name: "narrow", deadLetterQueue: "narrow.dlq" });
    await expect(bus.publish(topic, [message("a", "0")])).rejects.toMatchObject({
      code: "failed_precondition",
      message: expect.stringContaining("1 partitions, at least 2 are needed"),
    });
  });
});
