import kafkajs from "kafkajs";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { ORDER_EVENTS } from "../../proto/order-event.ts";
import { KafkaBus } from "../../shared/bus/kafka.ts";
import { countedUpTo, Inbox, message } from "../../shared/bus/test/inbox.ts";
import { eachMessage } from "../../shared/bus/test/each-message.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import { type KafkaCluster, startKafkaCluster } from "./kafka-cluster.ts";
import type { Alone } from "../alone.ts";
import { eventually } from "../eventually.ts";
import { type KafkaShop, type LastSeqs, openShopOn, underLoad } from "../kafka/shop.ts";

const programs = inject("machines");

/** For a new leader of a partition, and a consumer that finds it. */
const COMPLETE_MAX_MS = 60_000;
/** Without a patch, consumers of kafkajs call a lost coordinator for a minute. */
const COORDINATED_MAX_MS = 45_000;
const SHOWN_MORE = 200;
/** A broker that is paused does not answer; the client then calls another one. */
const ADMIN_MAX_MS = 2_000;
/** Enough for each partition to get some. */
const KEYS = 20;
const silent = createLogger({ service: "stack", level: "error", write: () => {} });

describe.skipIf(!programs)("order events on three brokers", () => {
  let shop: KafkaShop<KafkaCluster>;
  let admin: kafkajs.Admin;
  let processes: readonly Alone[];

  beforeAll(async () => {
    if (!programs) return;
    const { kafkaJars: jars } = programs;
    shop = await openShopOn((directory) => startKafkaCluster({ jars, directory }));
    // Not every broker has a new topic at once, and a service that finds none exits.
    const first = await shop.startLoms();
    const others = [shop.startLoms(), shop.startNotifier(), shop.startNotifier()];
    processes = [first, ...await Promise.all(others)];
    const brokers = shop.broker.address.split(",");
    const options = { brokers, requestTimeout: ADMIN_MAX_MS, logLevel: kafkajs.logLevel.NOTHING };
    admin = new kafkajs.Kafka(options).admin();
    await admin.connect();
  });
  afterAll(async () => {
    await admin?.disconnect();
    await shop?.close();
  });

  async function partitions(
    topic = ORDER_EVENTS.name,
  ): Promise<readonly kafkajs.PartitionMetadata[]> {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions ?? [];
  }

  /** The node id of the broker that coordinates a consumer group, as Kafka's hash assigns it. */
  async function coordinatorOf(group: string): Promise<number> {
    const offsets = await partitions("__consumer_offsets");
    const hash = [...group].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0) | 0, 0);
    const number = (hash & 0x7fff_ffff) % offsets.length;
    return offsets.find(({ partitionId }) => partitionId === number)?.leader ?? 0;
  }

  async function showMore(): Promise<void> {
    const before = shop.tally.count;
    await eventually(
      () => expect(shop.tally.count).toBeGreaterThan(before + SHOWN_MORE),
      COMPLETE_MAX_MS,
    );
  }

  async function expectComplete(orders: LastSeqs): Promise<void> {
    await eventually(() => expect(shop.tally.behind(orders)).toBe(0), COMPLETE_MAX_MS);
    expect(shop.tally.check(orders)).toMatchObject({ duplicates: 0, gaps: 0, violations: 0 });
  }

  test("each event is on all three brokers, with the brokers' own defaults", async () => {
    for (const { replicas } of await partitions()) expect(replicas).toHaveLength(3);
  });

  // A leader that has acknowledged its part receives that of the other, too: decision 0017.
  test("acknowledged events are stored when a leader takes over another partition", async () => {
    const { brokers, address } = shop.broker;
    const topic = { name: "two-leaders", groups: ["readers"], deadLetterQueue: "two-leaders.dlq" };
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{
        topic: topic.name,
        replicaAssignment: [{ partition: 0, replicas: [1, 3] }, { partition: 1, replicas: [2, 1] }],
        configEntries: [{ name: "min.insync.replicas", value: "1" }],
      }],
    });
    const bus = new KafkaBus({ brokers: address.split(","), log: silent });
    onTestFinished(() => bus.close());
    const publish = (value: string) =>
      bus.publish(topic, Array.from({ length: KEYS }, (_, key) => message(`key-${key}`, value)));
    const inbox = new Inbox();
    await bus.subscribe({ topic, group: "readers", handle: eachMessage(inbox.take) });
    await publish("0");
    const [, second] = brokers;
    onTestFinished(() => second?.restart());
    second?.pause();
    const published = eventually(() => publish("1"), COMPLETE_MAX_MS);
    await eventually(async () => {
      expect((await partitions(topic.name)).map(({ leader }) => leader)).toEqual([1, 1]);
    }, COMPLETE_MAX_MS);
    await second?.kill();
    await published;
    await eventually(() => {
      for (let key = 0; key < KEYS; key++) {
        expect([...new Set(inbox.values(`key-${key}`))]).toEqual(countedUpTo(2));
      }
    });
  });

  test.for(["killed", "frozen"])("a group whose coordinator is %s continues", async (accident) => {
    const coordinator = shop.broker.brokers[await coordinatorOf("members") - 1];
    const topic = { name: accident, groups: ["members"], deadLetterQueue: `${accident}.dlq` };
    // Clients begin with the first broker.
    const addresses = new Set([coordinator?.address ?? "", ...shop.broker.address.split(",")]);
    const bus = new KafkaBus({ brokers: [...addresses], log: silent });
    onTestFinished(() => bus.close());
    const inbox = new Inbox();
    await bus.subscribe({ topic, group: "members", handle: eachMessage(inbox.take) });
    await bus.publish(topic, [message("key", "0")]);
    await eventually(() => expect(inbox.values("key")).toEqual(countedUpTo(1)));
    onTestFinished(() => coordinator?.restart());
    await (accident === "killed" ? coordinator?.kill() : coordinator?.pause());
    await eventually(() => bus.publish(topic, [message("key", "1")]), COMPLETE_MAX_MS);
    await eventually(async () => {
      expect(inbox.values("key")).toContain("1");
      expect(await bus.lag(topic, "members"), "all is committed").toBe(0);
    }, COORDINATED_MAX_MS);
  });

  test("leaders are killed under load: nothing is lost, repeated or reordered", async () => {
    const orders = await underLoad(shop, async () => {
      await showMore();
      for (const partition of [0, 1]) {
        const leader = (await partitions()).find(({ partitionId }) => partitionId === partition);
        const broker = shop.broker.brokers[(leader?.leader ?? 0) - 1];
        await broker?.kill();
        await showMore();
        await broker?.start();
        await eventually(async () => {
          for (const { isr } of await partitions()) expect(isr).toHaveLength(3);
        }, COMPLETE_MAX_MS);
      }
      await showMore();
    });
    await expectComplete(orders);
    for (const alone of processes) alone.signal("SIGTERM");
    expect(await Promise.all(processes.map(({ ended }) => ended)), "none ended unexpectedly")
      .toEqual(processes.map(() => "exit code 0"));
  });
});
