import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ORDER_EVENTS } from "../../proto/order-event.ts";
import { KafkaBus } from "../../shared/bus/kafka.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import type { TestKafka } from "../../stack/test/kafka-setup.ts";
import type { Alone } from "../alone.ts";
import { eventually } from "../eventually.ts";
import { type KafkaShop, type LastSeqs, openKafkaShop, underLoad } from "./shop.ts";

/** The backlog when the broker is back: about 20 s of load, two sessions. */
const OUTAGE_EVENTS = 8_000;
const OUTAGE_MAX_MS = 90_000;
/** 2 events each, and a third for every second one. */
const ORDERS = 20_000;
const EVENTS = 50_000;
/** For the lease of a killed relay, a consumer that rejoins, and a busy machine. */
const COMPLETE_MAX_MS = 90_000;
const TEST_MAX_MS = 180_000;
/** Enough for all members to be handling events. */
const LOADED_EVENTS = 500;

/** Concurrent handlers in each of the three partitions. */
const CONCURRENT_MAX = 300;
/** Lines of each process that the message of a failure contains. */
const TROUBLES_MAX = 6;

const kafka = inject("kafka") as TestKafka;
const silent = createLogger({ service: "stack", level: "error", write: () => {} });
let shop: KafkaShop;
let loms: Alone[];
let notifiers: Alone[];

/** Waits until all events of the orders are shown, each once and in order. */
async function expectComplete(orders: LastSeqs): Promise<void> {
  let events = 0;
  for (const last of orders.values()) events += last;
  const none = { events, duplicates: 0, gaps: 0, violations: 0 };
  await eventually(
    () => expect(shop.tally.check(orders)).toMatchObject({ gaps: 0 }),
    COMPLETE_MAX_MS,
  ).catch((error: unknown) => {
    // The logs of the processes are deleted with them.
    const troubles = [...loms, ...notifiers].map((alone) => troublesOf(alone)).join("\n");
    throw new Error(`${String(error)}\n${troubles}`);
  });
  expect(shop.tally.check(orders)).toEqual(none);
}

function troublesOf(alone: Alone): string {
  const lines = alone.output().split("\n").filter((line) => !line.includes('"seq"'));
  return lines.slice(-TROUBLES_MAX).join("\n");
}

/** Waits until more events have been shown, so that all parts are working. */
async function isUnderLoad(): Promise<void> {
  const before = shop.tally.count;
  await eventually(() => expect(shop.tally.count).toBeGreaterThan(before + LOADED_EVENTS));
}

async function stop(alone: Alone): Promise<void> {
  alone.signal("SIGTERM");
  expect(await alone.ended).toBe("exit code 0");
}

describe.skipIf(!kafka)("order events of two loms and two notifiers on Apache Kafka", () => {
  beforeAll(async () => {
    shop = await openKafkaShop(kafka);
    loms = [await shop.startLoms(), await shop.startLoms()];
    notifiers = [await shop.startNotifier(), await shop.startNotifier()];
  }, TEST_MAX_MS);
  afterAll(() => shop?.close(), TEST_MAX_MS);

  test("50,000 events are shown once each, and those of each order completely and in order", {
    timeout: TEST_MAX_MS,
  }, async ({ task }) => {
    const startedAt = performance.now();
    const orders = await shop.placeOrders(ORDERS);
    await eventually(() => expect(shop.tally.count).toBe(EVENTS), COMPLETE_MAX_MS);
    const seconds = (performance.now() - startedAt) / 1_000;
    const { events, duplicates, gaps, violations } = shop.tally.check(orders);
    task.meta.figures = `${events} events: ${Math.round(events / seconds)} events/s, ` +
      `${duplicates} duplicates shown, ${gaps} gaps, ${violations} order violations`;
    expect({ events, duplicates, gaps, violations })
      .toEqual({ events: EVENTS, duplicates: 0, gaps: 0, violations: 0 });
  });

  test(
    "an unreadable message is dead-lettered with its position, and its order continues",
    async () => {
      const bus = new KafkaBus({ brokers: [shop.broker.address], log: silent });
      try {
        const headers = { "ce_id": "poison", "traceparent": "00-1-2-01" };
        const orders = await underLoad(shop, async () => {
          for (const value of ["", "{", '{"id":"1-1"}', "\u0007"]) {
            await bus.publish(ORDER_EVENTS, [{ key: "1", value, headers }]);
          }
        });
        await expectComplete(orders);
        const letters = await eventually(async () => {
          const found = await bus.readDeadLetterQueue(ORDER_EVENTS, 100);
          expect(found).toHaveLength(4);
          return found;
        });
        expect(letters.map(({ value }) => value)).toEqual(["", "{", '{"id":"1-1"}', "\u0007"]);
        for (const letter of letters) {
          expect(letter).toMatchObject({ key: "1", headers });
          expect(letter.reason).toMatch(/^Cannot read the order event: /);
          expect(letter.position).toMatch(/^loms\.order-events\/[0-2]\/\d+$/);
        }
      } finally {
        await bus.close();
      }
    },
    TEST_MAX_MS,
  );

  test(
    "an event that the broker refuses permanently is recorded, and the others continue",
    async () => {
      const orders = await underLoad(shop, async () => {
        const huge = await shop.placeHugeOrder();
        await eventually(() => expect(shop.tally.behind(huge)).toBe(0));
        await eventually(async () => expect((await shop.backlog()).refused).toBe(2));
      });
      await expectComplete(orders);
      await eventually(async () => {
        expect(await shop.backlog()).toMatchObject({ events: 0, refused: 2 });
      });
      const refusals = loms.flatMap((alone) => alone.output().split("\n"))
        .filter((line) => line.includes("the bus refuses permanently: order event"));
      expect(refusals).toHaveLength(2);
      for (const line of refusals) expect(line).toContain("MESSAGE_TOO_LARGE");
      // Neither the refused events nor the unreadable message before are a gap.
      for (const { output } of notifiers) expect(output()).not.toContain("events were skipped");
    },
    TEST_MAX_MS,
  );

  test("no event is lost, repeated or reordered when notifiers join and leave under load", {
    timeout: TEST_MAX_MS,
  }, async () => {
    const orders = await underLoad(shop, async () => {
      for (let turn = 0; turn < 2; turn++) {
        notifiers.push(await shop.startNotifier());
        await isUnderLoad();
        await stop(notifiers.shift() as Alone);
        await isUnderLoad();
      }
    });
    await expectComplete(orders);
  });

  test("a notifier that is killed shows at most the events in progress once more", {
    timeout: TEST_MAX_MS,
  }, async () => {
    const orders = await underLoad(shop, async () => {
      await isUnderLoad();
      const killed = notifiers.shift() as Alone;
      killed.signal("SIGKILL");
      await killed.ended;
      notifiers.push(await shop.startNotifier());
    });
    await eventually(
      () => expect(shop.tally.check(orders)).toMatchObject({ gaps: 0, violations: 0 }),
      COMPLETE_MAX_MS,
    );
    expect(shop.tally.check(orders).duplicates).toBeLessThanOrEqual(CONCURRENT_MAX);
  });

  test("after a loms process is killed the other one publishes its events", {
    timeout: TEST_MAX_MS,
  }, async () => {
    const orders = await underLoad(shop, async () => {
      await isUnderLoad();
      const killed = loms.shift() as Alone;
      killed.signal("SIGKILL");
      await killed.ended;
      loms.push(await shop.startLoms());
      await isUnderLoad();
    });
    await expectComplete(orders);
  });

  test("no event is lost, repeated or reordered when a broker is down for 8,000 events", {
    timeout: TEST_MAX_MS,
  }, async () => {
    const orders = await underLoad(shop, async () => {
      await isUnderLoad();
      await shop.broker.kill();
      const waiting = async () => (await shop.backlog()).events;
      await eventually(
        async () => expect(await waiting()).toBeGreaterThan(OUTAGE_EVENTS),
        OUTAGE_MAX_MS,
      );
      await shop.broker.start();
    });
    await expectComplete(orders);
    // No process ended during the outage.
    await Promise.all([...loms, ...notifiers].map(stop));
  });
});
