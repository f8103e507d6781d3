import { randomUUID } from "node:crypto";
import { ORDER_EVENTS } from "../proto/order-event.ts";
import { STOCK_EVENTS } from "../proto/stock-event.ts";
import { systemClock } from "../shared/async/request-context.ts";
import type { Bus } from "../shared/bus/bus.ts";
import { busSystem, createBus } from "../shared/bus/create-bus.ts";
import { observedPublisher } from "../shared/bus/observed.ts";
import type { ServiceParts } from "../shared/open-service.ts";
import type { LomsConfig } from "./config.ts";
import type { Databases } from "./databases.ts";
import { ORDER_BACKLOG, outboxBacklog, STOCK_BACKLOG, watchBacklog } from "./outbox/backlog.ts";
import { outboxCleaner } from "./outbox/clean.ts";
import { outboxWait } from "./outbox/event-message.ts";
import { ORDER_OUTBOX } from "./outbox/order-outbox.ts";
import { relayMetrics } from "./outbox/relay-metrics.ts";
import { Relay, type RelayOptions } from "./outbox/relay.ts";
import { STOCK_OUTBOX } from "./outbox/stock-outbox.ts";
import { stopRelay } from "./outbox/stop-relay.ts";

type Opening = ServiceParts<LomsConfig>;

/** The relays, for their callers to wake. */
type Relays = Readonly<Record<"orders" | "stock", Relay>>;

/** Starts the relays of order events and of stock events, and the cleaners of their outboxes. */
export async function openRelays(databases: Databases, parts: Opening): Promise<Relays> {
  const { config, log, metrics, opened } = parts;
  const { reads } = databases;
  watchBacklog(ORDER_BACKLOG, (context) => outboxBacklog(ORDER_OUTBOX, reads, context), metrics);
  watchBacklog(STOCK_BACKLOG, (context) => outboxBacklog(STOCK_OUTBOX, reads, context), metrics);
  const bus = await createBus(config, log);
  opened.push("the bus", () => bus.close());
  const open = (relay: Omit<RelayParts, "bus">) => openRelay({ ...relay, bus }, databases, parts);
  const orders = open({
    what: "order event",
    outbox: ORDER_OUTBOX,
    topic: ORDER_EVENTS,
    onBatch: relayMetrics(metrics),
  });
  const stock = open({ what: "stock event", outbox: STOCK_OUTBOX, topic: STOCK_EVENTS });
  opened.push("the relays", async () => {
    await Promise.all([orders, stock].map((relay) => stopRelay(relay, systemClock)));
  });
  return { orders, stock };
}

interface RelayParts extends Pick<RelayOptions, "outbox" | "topic" | "onBatch"> {
  /** The name of an event in log messages. */
  readonly what: string;
  readonly bus: Bus;
}

/** The caller stops the relay. */
function openRelay(
  { what, outbox, topic, onBatch, bus }: RelayParts,
  { writes, marks }: Databases,
  { config, log, metrics, tracing, logThrottled, opened }: Opening,
): Relay {
  const observing = { metrics, tracing, clock: systemClock, system: busSystem(config) };
  const wait = outboxWait(topic.name, systemClock);
  const relay = new Relay({
    outbox,
    writes,
    marks,
    bus: observedPublisher(bus, { ...observing, wait }),
    topic,
    clock: systemClock,
    relayId: randomUUID(),
    onError: (error) => logThrottled("warn", `${what}s wait for the bus`, error),
    onRefused: (event) => log.error(`the bus refuses permanently: ${what}`, { ...event }),
    onBatch,
  });
  // Before the first event, so that errors of the topic are reported at the start.
  bus.ensureTopic(topic)
    .catch((error: unknown) => logThrottled("warn", `the bus has no ${topic.name} yet`, error));
  relay.start();
  const cleaner = outboxCleaner({
    outbox,
    pool: marks,
    clock: systemClock,
    onError: (error) => logThrottled("warn", `the outbox of ${what}s could not be cleaned`, error),
  });
  cleaner.start();
  opened.push(`the cleaner of the outbox of ${what}s`, () => cleaner.close());
  return relay;
}
