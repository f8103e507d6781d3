import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ORDER_EVENTS } from "../../proto/order-event.ts";
import { KafkaBus } from "../../shared/bus/kafka.ts";
import { deleteTopic } from "../../shared/bus/test/delete-topic.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import type { TestKafka } from "../../stack/test/kafka-setup.ts";
import type { Alone } from "../alone.ts";
import { eventually } from "../eventually.ts";
import { type KafkaShop, type LastSeqs, openKafkaShop } from "./shop.ts";

/** 2 events each, and a third for every second one. */
const ORDERS = 40;
const TEST_MAX_MS = 120_000;

const kafka = inject("kafka") as TestKafka;
const silent = createLogger({ service: "stack", level: "error", write: () => {} });
let shop: KafkaShop;
let notifier: Alone;

/** The error lines about skipped events, as records. */
function skips(): { readonly skipped: number; readonly remedy: string }[] {
  return notifier.output().split("\n").filter((line) => line.includes("order events were skipped"))
    .map((line) => JSON.parse(line) as { skipped: number; remedy: string });
}

async function makeTopicAgain(): Promise<void> {
  await deleteTopic(shop.broker.address, ORDER_EVENTS.name);
  const bus = new KafkaBus({ brokers: [shop.broker.address], log: silent });
  await eventually(() => bus.ensureTopic(ORDER_EVENTS));
  await bus.close();
}

async function publish(orders: number): Promise<LastSeqs> {
  const placed = await shop.placeOrders(orders);
  await eventually(async () => expect((await shop.backlog()).events).toBe(0), 30_000);
  return placed;
}

async function expectComplete(orders: LastSeqs): Promise<void> {
  await eventually(() => expect(shop.tally.check(orders)).toMatchObject({ gaps: 0 }), 30_000);
}

describe.skipIf(!kafka)("the topic of order events is deleted and created again", () => {
  beforeAll(async () => {
    shop = await openKafkaShop(kafka);
    await shop.startLoms();
    notifier = await shop.startNotifier();
  }, TEST_MAX_MS);
  afterAll(() => shop?.close(), TEST_MAX_MS);

  test("while the notifier is stopped: nothing is skipped", async () => {
    await expectComplete(await publish(ORDERS));
    notifier.signal("SIGTERM");
    await notifier.ended;
    await makeTopicAgain();
    const orders = await publish(2 * ORDERS);
    notifier = await shop.startNotifier();
    await expectComplete(orders);
    expect(skips()).toEqual([]);
  }, TEST_MAX_MS);

  test(
    "while the notifier is stopped: it reports the gap, and a replay fills it",
    {
      timeout: TEST_MAX_MS,
    },
    async () => {
      await expectComplete(await publish(ORDERS));
      notifier.signal("SIGSTOP");
      // They answer the fetch in progress, which would report that the topic does not exist.
      await publish(1);
      await makeTopicAgain();
      const since = new Date().toISOString();
      const orders = await publish(8 * ORDERS);
      notifier.signal("SIGCONT");
      await eventually(() => expect(skips()).not.toEqual([]), 30_000);
      const [skip] = skips();
      expect(skip).toMatchObject({ remedy: expect.stringContaining("npm run events -- replay") });
      expect(skip?.skipped).toBeGreaterThan(0);
      await shop.replay(since);
      await eventually(() => expect(shop.tally.behind(orders)).toBe(0), 30_000);
      await expectComplete(await publish(ORDERS));
    },
  );
});
