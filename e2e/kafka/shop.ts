import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  newOrder,
  openWriterFixture,
  testContext,
  type WriterFixture,
} from "../../loms/repository/writer-fixture.ts";
import { type OutboxBacklog, outboxBacklog } from "../../loms/outbox/backlog.ts";
import { ORDER_OUTBOX } from "../../loms/outbox/order-outbox.ts";
import { CloseStack } from "../../shared/lifecycle.ts";
import { type KafkaBroker, startKafka } from "../../stack/kafka/broker.ts";
import { replayEvents } from "../../tools/events/commands.ts";
import { freePorts } from "../../stack/ports.ts";
import { testDatabase } from "../../stack/test/database.ts";
import type { TestKafka } from "../../stack/test/kafka-setup.ts";
import { type Alone, startAlone } from "../alone.ts";
import { Tally } from "./tally.ts";

/** Orders per statement. */
const ORDERS_MAX = 250;
/** A few hundred events a second, so that some are always in progress. */
const ORDERS_A_TIME = 20;
const BETWEEN_ORDERS_MS = 100;
/** Above the broker's message.max.bytes, 1 MiB. */
const HUGE_CHARACTERS = 1_100_000;
const STOCK = 10_000_000;
const REPLAY_MAX = 10_000;
/** Stopping closes everything in sequence. */
const CLOSE_MAX_MS = 60_000;

/** Each order's id and how many events it has. */
export type LastSeqs = Map<string, number>;

/** The brokers of a shop's events. */
interface Brokers {
  /** For KAFKA_BROKERS. */
  readonly address: string;
  close(): Promise<void>;
}

export interface KafkaShop<Kafka extends Brokers = KafkaBroker> {
  readonly broker: Kafka;
  readonly tally: Tally;
  startLoms(): Promise<Alone>;
  startNotifier(): Promise<Alone>;
  /** Writes orders to the database, as loms does, and pays every second one. */
  placeOrders(count: number): Promise<LastSeqs>;
  /** Writes a payed order whose first two events are larger than a broker accepts. */
  placeHugeOrder(): Promise<LastSeqs>;
  /** As `npm run events -- replay` does. */
  replay(since: string): Promise<void>;
  /** The waiting and the refused events of the outbox. */
  backlog(): Promise<OutboxBacklog>;
  close(): Promise<void>;
}

/** A shop with its own broker. */
export function openKafkaShop({ jars }: TestKafka): Promise<KafkaShop> {
  return openShopOn((directory) => startKafka({ jars, directory }));
}

/**
 * A shop with its own brokers and databases, and any number of loms and notifier processes.
 */
export async function openShopOn<Kafka extends Brokers>(
  startBrokers: (directory: string) => Promise<Kafka>,
): Promise<KafkaShop<Kafka>> {
  const opened = new CloseStack(CLOSE_MAX_MS);
  const directory = mkdtempSync(join(tmpdir(), "marketplace-kafka-shop-"));
  opened.push("the directory", () => rmSync(directory, { recursive: true, force: true }));
  const broker = await startBrokers(directory);
  opened.push("the brokers", () => broker.close());
  const [loms, shown] = await Promise.all([testDatabase("loms"), testDatabase("notifier")]);
  opened.push("the databases", async () => {
    await Promise.all([loms.drop(), shown.drop()]);
  });
  const fixture = openWriterFixture(loms.primaryUrl);
  opened.push("the writer", () => fixture.pool.close());
  const sku = await fixture.addStock(STOCK);
  const tally = new Tally();

  const start = async (part: "loms" | "notifier", settings: Record<string, string>) => {
    const [http, grpc, profile] = await freePorts(3);
    const name = part.toUpperCase();
    const alone = await startAlone(part, {
      KAFKA_BROKERS: broker.address,
      [`${name}_HTTP`]: `127.0.0.1:${http}`,
      [`${name}_PROFILE`]: `127.0.0.1:${profile}`,
      LOMS_GRPC: `127.0.0.1:${grpc}`,
      ...settings,
    }, `http://127.0.0.1:${http}`);
    opened.push(part, async () => {
      alone.signal("SIGTERM");
      await alone.ended;
    });
    return alone;
  };

  return {
    broker,
    tally,
    startLoms: () => start("loms", { DATABASE_URL: loms.primaryUrl }),
    async startNotifier() {
      const take = tally.notifier();
      const alone = await start("notifier", { NOTIFIER_DATABASE_URL: shown.primaryUrl });
      alone.follow(take);
      return alone;
    },
    async placeOrders(count) {
      const lastSeqs: LastSeqs = new Map();
      for (let left = count; left > 0; left -= ORDERS_MAX) {
        const orders = Array.from(
          { length: Math.min(left, ORDERS_MAX) },
          () => newOrder([{ sku, count: 1 }]),
        );
        const outcomes = await fixture.writer.orderCreate(orders, testContext());
        const ids = outcomes.flatMap((each) => each.kind === "created" ? [each.orderId] : []);
        const paid = ids.filter((_, index) => index % 2 === 0);
        const traceparent = orders[0]?.traceparent ?? "";
        const changes = paid.map((orderId) => ({ orderId, traceparent }));
        await fixture.writer.orderPay(changes, testContext());
        for (const id of ids) lastSeqs.set(String(id), 2);
        for (const id of paid) lastSeqs.set(String(id), 3);
      }
      return lastSeqs;
    },
    placeHugeOrder: () => placeHugeOrder(fixture, sku),
    async replay(since) {
      await replayEvents(fixture, since, REPLAY_MAX);
    },
    backlog: () => outboxBacklog(ORDER_OUTBOX, fixture.pool, testContext()),
    close: () => opened.close(),
  };
}

async function placeHugeOrder({ writer }: WriterFixture, sku: number): Promise<LastSeqs> {
  const order = { ...newOrder([{ sku, count: 1 }]), traceparent: "0".repeat(HUGE_CHARACTERS) };
  const [outcome] = await writer.orderCreate([order], testContext());
  if (outcome?.kind !== "created") throw new Error("not created");
  const { orderId } = outcome;
  await writer.orderPay([{ orderId, traceparent: "t" }], testContext());
  return new Map([[String(orderId), 3]]);
}

/** Places orders while `work` runs; resolves with all of them. */
export async function underLoad(
  shop: Pick<KafkaShop, "placeOrders">,
  work: () => Promise<void>,
): Promise<LastSeqs> {
  const all: LastSeqs = new Map();
  let over = false;
  const load = async () => {
    while (!over) {
      for (const [order, seqs] of await shop.placeOrders(ORDERS_A_TIME)) all.set(order, seqs);
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_ORDERS_MS));
    }
  };
  const loading = load();
  try {
    await work();
  } finally {
    over = true;
    await loading;
  }
  return all;
}
