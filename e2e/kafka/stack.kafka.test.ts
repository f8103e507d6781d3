import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ORDER_EVENTS } from "../../proto/order-event.ts";
import { STOCK_EVENTS, type StockEvent, stockEvent } from "../../proto/stock-event.ts";
import { KafkaBus } from "../../shared/bus/kafka.ts";
import { eachMessage } from "../../shared/bus/test/each-message.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../../stack/test/otlp-receiver.ts";
import { spanTrees } from "../../stack/otlp/span-tree.ts";
import { PROJECT_DIRECTORY } from "../../stack/services.ts";
import type { Stack } from "../../stack/start.ts";
import type { TestKafka } from "../../stack/test/kafka-setup.ts";
import { stockClient } from "../../tools/clients/clients.ts";
import { eventually } from "../eventually.ts";
import { expectNotifications, linesOf } from "../notifications.ts";
import { startOwnStack } from "../own-stack.ts";
import { shopAt } from "../shop.ts";
import { newUser } from "../users.ts";

const START_MAX_MS = 120_000;
const TEST_MAX_MS = 60_000;
const SKU = 1_625_903;

const kafka = inject("kafka") as TestKafka;
const silent = createLogger({ service: "stack", level: "error", write: () => {} });
const run = promisify(execFile);
let stack: Stack;
let receiver: OtlpReceiver;

/** The output of `npm run events`. */
async function events(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join("tools", "events.ts"), ...args], {
    cwd: PROJECT_DIRECTORY,
    env: { DATABASE_URL: stack.databases.loms, KAFKA_BROKERS: stack.kafkaBrokers },
  });
  return stdout;
}

describe.skipIf(!kafka)("a stack with Apache Kafka as a part", () => {
  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url };
    const cacheDirectory = dirname(kafka.jars);
    stack = await startOwnStack({ kafka: true, cacheDirectory, environment });
  }, START_MAX_MS);
  afterAll(async () => {
    await stack?.close();
    await receiver.close();
  }, START_MAX_MS);

  test("a purchase is one trace over its broker", async () => {
    const { add, checkout } = shopAt(stack);
    const user = newUser();
    await add(user, SKU, 1);
    await checkout(user);
    const spansOfPurchase = () => {
      const root = receiver.spans.find(({ name }) => name.endsWith("/cart/checkout"));
      return receiver.spans.filter(({ traceId }) => traceId === root?.traceId);
    };
    // Each process sends its own spans, in no order.
    await eventually(() => {
      const shown = spansOfPurchase().filter(({ name }) => name === "show notification");
      expect(shown).toHaveLength(2);
      expect(spanTrees(spansOfPurchase())).toHaveLength(1);
    });
    const systems = spansOfPurchase().map(({ attributes }) => attributes["messaging.system"]);
    expect(new Set(systems.filter((system) => system !== undefined))).toEqual(new Set(["kafka"]));
  }, TEST_MAX_MS);

  test("order events use its broker, also after the broker was killed", async () => {
    const { create, pay } = shopAt(stack);
    expect(stack.parts).toContain("kafka");
    const order = await create(newUser(), SKU, 1);
    await expectNotifications(stack, order, ["new", "awaiting payment"]);
    await stack.kill("kafka");
    await pay(order);
    await stack.restart("kafka");
    await expectNotifications(stack, order, ["new", "awaiting payment", "payed"]);
    // An event is marked as published after that.
    await eventually(async () => {
      expect(await events("--order", String(order))).toMatch(/\n {2}3 {2}payed .* published\n$/);
    });
  }, TEST_MAX_MS);

  test(
    "stock events of a SKU use its broker in order, also after the broker was killed",
    async () => {
      const sku = 3_999_999_000;
      const stock = stockClient(stack.urls.lomsAdmin ?? "");
      const receive = async (count: number, reference: string) => {
        const lines = [{ sku: BigInt(sku), count }];
        await stock.stockReceive({
          body: { lines, reason: "delivery", reference },
          throwOnError: true,
        });
      };
      const bus = new KafkaBus({ brokers: [stack.kafkaBrokers ?? ""], log: silent });
      const seen = new Map<string, StockEvent>();
      try {
        await receive(2, "note 1");
        await shopAt(stack).create(newUser(), sku, 2);
        await stack.kill("kafka");
        await receive(1, "note 2");
        await stack.restart("kafka");
        await bus.subscribe({
          topic: STOCK_EVENTS,
          group: "readers",
          handle: eachMessage((message) => {
            expect(message.key).toBe(String(sku));
            const event = stockEvent.parse(JSON.parse(message.value));
            // There is a repeat if the broker died before it answered.
            if (!seen.has(event.id)) seen.set(event.id, event);
            return Promise.resolve();
          }),
        });
        await eventually(() =>
          expect([...seen.values()].map(({ kind, available }) => `${kind} ${available}`)).toEqual([
            ...["received 2", "back_in_stock 2", "sold_out 0"],
            ...["received 1", "back_in_stock 1"],
          ])
        );
      } finally {
        await bus.close();
      }
    },
    TEST_MAX_MS,
  );

  test("npm run events replays the dead-letter queue, each message once", async () => {
    const bus = new KafkaBus({ brokers: [stack.kafkaBrokers ?? ""], log: silent });
    const message = (value: string) => ({ key: "poison", value, headers: {} });
    try {
      await bus.publish(ORDER_EVENTS, ["{", "["].map(message));
      const gone = () => linesOf(stack, "notifier").filter((line) => "dead_letters" in line).length;
      await eventually(() => expect(gone()).toBe(2));
      expect(await events("dlq")).toMatch(
        /^2 dead-lettered events of .*\n.*the value is not JSON\n/,
      );
      expect(await events("replay-dlq", "--max", "1")).toMatch(
        /^put back 1 dead-lettered event .*more/s,
      );
      // It is still unreadable, and is dead-lettered again after the other one.
      await eventually(() => expect(gone()).toBe(3));
      expect(await events("replay-dlq")).toMatch(/^put back 2 dead-lettered events /);
      await eventually(() => expect(gone()).toBe(5));
    } finally {
      await bus.close();
    }
  }, TEST_MAX_MS);

  test("the broker is not started if brokers are set", async () => {
    const environment = { KAFKA_BROKERS: "127.0.0.1:1" };
    await expect(startOwnStack({ kafka: true, environment })).rejects
      .toThrow("KAFKA_BROKERS is already set");
  });
});
