// Order events per second on the embedded bus and, if Java is installed, on Apache Kafka: the relay
// against a bare publish of as many messages, and the notifier from an empty record to the last
// line.
// Usage: node bench/order-events.ts
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { orderEventMessage } from "../loms/outbox/order-event-message.ts";
import { ORDER_OUTBOX } from "../loms/outbox/order-outbox.ts";
import { Relay } from "../loms/outbox/relay.ts";
import { newOrder, openWriterFixture, testContext } from "../loms/repository/writer-fixture.ts";
import { notifierConfig } from "../notifier/config.ts";
import { startNotifier } from "../notifier/service.ts";
import { NOTIFIER_GROUP, ORDER_EVENTS } from "../proto/order-event.ts";
import { systemClock } from "../shared/async/clock.ts";
import type { Bus } from "../shared/bus/bus.ts";
import { createBus } from "../shared/bus/create-bus.ts";
import { durableRunner } from "../shared/postgres/statement.ts";
import { migrate } from "../shared/postgres/migrate.ts";
import { createLogger } from "../shared/telemetry/log.ts";
import { startKafka } from "../stack/kafka/broker.ts";
import { kafkaJars, whyNoKafka } from "../stack/kafka/jars.ts";
import { type PostgresPair, startPostgresPair } from "../stack/postgres/pair.ts";

/** Two events each. */
const ORDERS = 10_000;
const EVENTS = 2 * ORDERS;
const ORDERS_PER_STATEMENT = 250;
const PUBLISH_MAX = 500;
const CACHE = fileURLToPath(new URL("../.data/cache", import.meta.url));

const log = createLogger({ service: "stack", level: "error" });
const directory = await mkdtemp(join(tmpdir(), "marketplace-bench-"));
const pair = await startPostgresPair({
  dataDirectory: join(directory, "postgres"),
  databases: ["embedded", "kafka"].flatMap(databasesOf),
});
try {
  await measure("embedded bus", pair, databasesOf("embedded"), {});
  const reason = whyNoKafka(CACHE);
  if (reason) {
    print(`Apache Kafka: not measured, ${reason}`);
  } else {
    const kafka = { jars: await kafkaJars(CACHE), directory: join(directory, "kafka") };
    const broker = await startKafka(kafka);
    await measure("Apache Kafka", pair, databasesOf("kafka"), { KAFKA_BROKERS: broker.address });
    await broker.close();
  }
} finally {
  await pair.close();
  await rm(directory, { recursive: true, force: true });
}

function databasesOf(bus: string): string[] {
  return ["loms", "bus", "notifier"].map((each) => `${each}_${bus}`);
}

async function measure(
  name: string,
  { primaryUrl }: PostgresPair,
  databases: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const [loms = "", bus = "", shown = ""] = databases.map((each) => primaryUrl(each));
  const folder = fileURLToPath(new URL("../drizzle/loms/migrations", import.meta.url));
  await migrate({ url: loms, folder });
  const config = notifierConfig({
    BUS_DATABASE_URL: bus,
    NOTIFIER_DATABASE_URL: shown,
    NOTIFIER_HTTP: "127.0.0.1:0",
    LOG_FORMAT: "json",
    ...settings,
  });
  const relayed = await measureRelay(loms, await createBus(config, log));
  const notified = await measureNotifier(config);
  print(
    `${name}: relay ${relayed.relay}/s (${relayed.ratio}x a bare publish, ${relayed.bare}/s), ` +
      `notifier ${notified}/s`,
  );
}

async function measureRelay(url: string, bus: Bus) {
  const { pool, writer, addStock } = openWriterFixture(url);
  const sku = await addStock(ORDERS);
  for (let made = 0; made < ORDERS; made += ORDERS_PER_STATEMENT) {
    const orders = Array.from(
      { length: ORDERS_PER_STATEMENT },
      () => newOrder([{ sku, count: 1 }]),
    );
    await writer.orderCreate(orders, testContext());
  }
  const relay = new Relay({
    outbox: ORDER_OUTBOX,
    writes: durableRunner(pool, "remote_apply"),
    marks: pool,
    ...{ bus, topic: ORDER_EVENTS, clock: systemClock, relayId: randomUUID() },
    onError: (error) => log.error("relay", { error }),
  });
  await bus.ensureTopic(ORDER_EVENTS);
  const relayMs = await timed(async () => {
    for (let left = EVENTS; left > 0;) {
      const step = await relay.step();
      left -= step.kind === "published" ? step.events : 0;
    }
  });
  const bareTopic = { name: "bare", groups: [NOTIFIER_GROUP], deadLetterQueue: "bare.dlq" };
  await bus.ensureTopic(bareTopic);
  const messages = Array.from({ length: EVENTS }, (_, index) =>
    orderEventMessage({
      ...{ id: `${index}-1`, order_id: BigInt(index), user_id: 1n, seq: 1, status: "new" },
      at: new Date().toISOString(),
    }, newOrder([]).traceparent));
  const bareMs = await timed(async () => {
    for (let from = 0; from < EVENTS; from += PUBLISH_MAX) {
      await bus.publish(bareTopic, messages.slice(from, from + PUBLISH_MAX));
    }
  });
  await relay.close();
  await Promise.all([bus.close(), pool.close()]);
  return {
    relay: perSecond(relayMs),
    bare: perSecond(bareMs),
    ratio: (bareMs / relayMs).toFixed(2),
  };
}

async function measureNotifier(config: ReturnType<typeof notifierConfig>): Promise<number> {
  let lines = 0;
  let allShown = () => {};
  const all = new Promise<void>((resolve) => allShown = resolve);
  const write = (_text: string, done: () => void) => {
    if (++lines === EVENTS) allShown();
    done();
  };
  // Starts at the first line, so that joining the group does not count.
  let startedAt = performance.now();
  const notifier = await startNotifier(config, {
    log,
    output: {
      write: (text, done) => {
        if (lines === 0) startedAt = performance.now();
        return write(text, done);
      },
    },
  });
  await all;
  const ms = performance.now() - startedAt;
  await notifier.close();
  return perSecond(ms);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function perSecond(ms: number): number {
  return Math.round(EVENTS / (ms / 1_000));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
