import { NOTIFIER_GROUP, ORDER_EVENTS } from "../../proto/order-event.ts";
import { KafkaBus } from "../../shared/bus/kafka.ts";
import { createLogger } from "../../shared/telemetry/log.ts";

/** The events are published already; this is for joining a group. */
const READ_MAX_MS = 20_000;
/** Separate from the notifier's group; it continues where the last demo ended. */
const GROUP = "demo";

export interface EventOnKafka {
  readonly order: number;
  readonly seq: number;
  /** topic/partition/offset. */
  readonly position: string;
}

/**
 * Reads the positions of orders' events on Apache Kafka: `count` of them, or what is found within
 * 20 s.
 */
export async function readKafkaEvents(
  brokers: string,
  orders: readonly number[],
  count: number,
): Promise<EventOnKafka[]> {
  const log = createLogger({ service: "stack", level: "error" });
  const bus = new KafkaBus({ brokers: brokers.split(","), log });
  const found: EventOnKafka[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      setTimeout(resolve, READ_MAX_MS).unref();
      const topic = { ...ORDER_EVENTS, groups: [NOTIFIER_GROUP, GROUP] };
      bus.subscribe({
        topic,
        group: GROUP,
        handle(messages) {
          for (const { headers, position } of messages) {
            const [order = 0, seq = 0] = (headers.ce_id ?? "").split("-").map(Number);
            if (orders.includes(order)) found.push({ order, seq, position });
          }
          if (found.length >= count) resolve();
          return Promise.resolve(new Map());
        },
      }).catch(reject);
    });
  } finally {
    await bus.close();
  }
  return found;
}
