import { stringify } from "yaml";
import {
  NOTIFIER_GROUP,
  ORDER_EVENT_SOURCE,
  ORDER_EVENT_TYPE,
  ORDER_EVENTS_DEAD_LETTER_QUEUE,
  ORDER_EVENTS_TOPIC,
  type OrderEvent,
  orderEvent,
} from "../../proto/order-event.ts";
import { REFUSED_BEFORE } from "../../shared/bus/bus.ts";
import { jsonIntegers } from "../../shared/json-integer.ts";
import { orderEventMessage } from "../../loms/outbox/order-event-message.ts";
import { z } from "zod";

const WIDTH = 100;
/** Many tools read that, and take a time without quotes for a date. */
const OLD_YAML = "1.1";
const SCHEMA_DIALECT_KEY = "$schema";

/** The documents of what loms publishes, by the name of their file. */
export function eventDocuments(): Readonly<Record<string, string>> {
  const schema = orderEventSchema("draft-2020-12");
  return {
    "events.yaml": stringify(asyncApi(), { lineWidth: WIDTH, version: OLD_YAML }),
    "order-event.schema.json": `${JSON.stringify(schema, jsonIntegers, 2)}\n`,
  };
}

/** AsyncAPI 3.0 describes one application: loms, which sends. */
function asyncApi() {
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Order events",
      version: "1.0.0",
      description:
        `Each status change of an order, \`new\` included, is published at least once, in \
order per order. Integers are exact over the whole range of int64: keep every digit of ids, also \
above 2^53. What a reader cannot read it puts aside into \
\`${ORDER_EVENTS_DEAD_LETTER_QUEUE}\`, as the consumer group \`${NOTIFIER_GROUP}\` does.`,
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
      contact: { name: "Marketplace" },
      tags: [{ name: "orders", description: "The life of an order" }],
    },
    defaultContentType: "application/json",
    servers: {
      local: {
        host: "127.0.0.1:19092",
        protocol: "kafka",
        description:
          "The broker of `npm start -- --kafka`; elsewhere it is what KAFKA_BROKERS names",
      },
    },
    channels: {
      orderEvents: {
        address: ORDER_EVENTS_TOPIC,
        title: "Order events",
        description: "At least two partitions; the order id is the key, so an order stays in one.",
        servers: [{ $ref: "#/servers/local" }],
        messages: { orderStatusChanged: { $ref: "#/components/messages/orderStatusChanged" } },
        bindings: { kafka: { topic: ORDER_EVENTS_TOPIC, bindingVersion: "0.5.0" } },
      },
    },
    operations: {
      publishOrderEvents: {
        action: "send",
        title: "Publish order events",
        summary: "loms publishes each status change, once its transaction is committed",
        channel: { $ref: "#/channels/orderEvents" },
        messages: [{ $ref: "#/channels/orderEvents/messages/orderStatusChanged" }],
      },
    },
    components: { messages: { orderStatusChanged: message() } },
  };
}

function message() {
  const { [SCHEMA_DIALECT_KEY]: _dialect, ...payload } = orderEventSchema("draft-7");
  const { headers, payload: example } = orderEventExample();
  return {
    name: ORDER_EVENT_TYPE,
    title: "Order status changed",
    summary: "A CloudEvent 1.0 in Kafka's binary mode: its attributes are in the headers",
    contentType: "application/json",
    headers: headerSchema(),
    payload,
    bindings: {
      kafka: {
        key: { type: "string", pattern: "^[1-9][0-9]*$", description: "The order id" },
        bindingVersion: "0.5.0",
      },
    },
    examples: [{
      name: "awaitingPayment",
      summary: "An order was placed",
      headers,
      payload: example,
    }],
  };
}

/** What `loms/outbox/order-event-message.ts` sets, for a test to hold it against. */
function headerSchema() {
  const properties = {
    traceparent: {
      type: "string",
      description: "W3C trace context of the request that made the change",
    },
    ce_specversion: { type: "string", const: "1.0" },
    ce_id: { type: "string", description: "The event's `id`" },
    ce_type: { type: "string", const: ORDER_EVENT_TYPE },
    ce_source: { type: "string", const: ORDER_EVENT_SOURCE },
    ce_time: { type: "string", format: "date-time", description: "The event's `at`" },
    "content-type": { type: "string", const: "application/json" },
  };
  const refused = {
    [REFUSED_BEFORE]: {
      type: "string",
      description:
        "Ids of the order's earlier events that the bus refused, comma separated: they " +
        "are not on this topic. Absent when there are none",
    },
  };
  return {
    type: "object",
    properties: { ...properties, ...refused },
    required: Object.keys(properties),
  };
}

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/** Its user is above 2^53, where a reader that rounds is found out. */
const EVENT: OrderEvent = {
  id: "1-2",
  order_id: 1n,
  user_id: 9_007_199_254_740_993n,
  seq: 2,
  status: "awaiting payment",
  at: "2026-01-02T03:04:05.678Z",
};

/** An event as loms sends it. */
export function orderEventExample() {
  return { headers: orderEventMessage(EVENT, TRACEPARENT).headers, payload: EVENT };
}

type Node = Record<string, unknown>;

/** Draft 2020-12 for the schema by itself; AsyncAPI's own schemas are a superset of draft 7. */
export type Dialect = "draft-2020-12" | "draft-7";

/**
 * The JSON Schema of an order event, from the zod schema that reads it. Bounds of int64 are
 * bigints. It is that of a reader, so an event may have fields that are not in it.
 */
export function orderEventSchema(target: Dialect): Node {
  const schema = z.toJSONSchema(orderEvent, {
    target,
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      writeBigints(jsonSchema);
    },
  });
  return readBigints(schema) as Node;
}

/** zod copies the schema as JSON, which knows no bigint. */
function writeBigints(node: Node): void {
  for (const [key, value] of Object.entries(node)) {
    if (typeof value === "bigint") node[key] = `${value}n`;
  }
}

function readBigints(value: unknown): unknown {
  if (typeof value === "string" && /^[0-9]+n$/.test(value)) return BigInt(value.slice(0, -1));
  if (Array.isArray(value)) return value.map(readBigints);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, readBigints(each)]));
}
