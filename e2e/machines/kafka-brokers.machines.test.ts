import kafkajs from "kafkajs";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ORDER_EVENTS } from "../../proto/order-event.ts";
import { type KafkaCluster, startKafkaCluster } from "./kafka-cluster.ts";
import type { Alone } from "../alone.ts";
import { eventually } from "../eventually.ts";
import { type KafkaShop, type LastSeqs, openShopOn, underLoad } from "../kafka/shop.ts";

const programs = inject("machines");

/** Of a partition whose leader is lost, a new one, and a consumer that finds it. */
const COMPLETE_MAX_MS = 60_000;
const SHOWN_MORE = 200;

describe.skipIf(!programs)("order events on three brokers", () => {
  let shop: KafkaShop<KafkaCluster>;
  let admin: kafkajs.Admin;
  let processes: readonly Alone[];

  beforeAll(async () => {
    if (!programs) return;
    const { kafkaJars: jars } = programs;
    shop = await openShopOn((directory) => startKafkaCluster({ jars, directory }));
    // Not every broker knows a topic at once, and a service ends that finds none.
    const first = await shop.startLoms();
    const others = [shop.startLoms(), shop.startNotifier(), shop.startNotifier()];
    processes = [first, ...await Promise.all(others)];
    const brokers = shop.broker.address.split(",");
    admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
  });
  afterAll(async () => {
    await admin?.disconnect();
    await shop?.close();
  });

  async function partitions(): Promise<readonly kafkajs.PartitionMetadata[]> {
    const { topics } = await admin.fetchTopicMetadata({ topics: [ORDER_EVENTS.name] });
    return topics[0]?.partitions ?? [];
  }

  async function goOn(): Promise<void> {
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

  test("each event is on all three, by the brokers' own defaults", async () => {
    for (const { replicas } of await partitions()) expect(replicas).toHaveLength(3);
  });

  test("leaders are killed under load: nothing is lost, repeated or reordered", async () => {
    const orders = await underLoad(shop, async () => {
      await goOn();
      for (const partition of [0, 1]) {
        const leader = (await partitions()).find(({ partitionId }) => partitionId === partition);
        const broker = shop.broker.brokers[(leader?.leader ?? 0) - 1];
        await broker?.kill();
        await goOn();
        await broker?.start();
        await eventually(async () => {
          for (const { isr } of await partitions()) expect(isr).toHaveLength(3);
        }, COMPLETE_MAX_MS);
      }
      await goOn();
    });
    await expectComplete(orders);
    for (const alone of processes) alone.signal("SIGTERM");
    expect(await Promise.all(processes.map(({ ended }) => ended)), "none ended by itself")
      .toEqual(processes.map(() => "exit code 0"));
  });
});
