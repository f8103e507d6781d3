import { z } from "zod";
import { REFUSED_BEFORE } from "../../shared/bus/bus.ts";

/** A kind of event as the documents describe it. */
export interface DescribedEvent {
  /** Of the channel and its one message, in the document. */
  readonly channel: string;
  readonly message: string;
  readonly topic: string;
  readonly schema: z.ZodType;
  /** CloudEvents attributes. */
  readonly type: string;
  readonly source: string;
  /** The operation is the one that publishes it. */
  readonly titles: Readonly<Record<"channel" | "message" | "operation", string>>;
  readonly channelDescription: string;
  readonly operationSummary: string;
  readonly keyDescription: string;
  /** Whether messages name the refused ones before them. */
  readonly namesRefused: boolean;
  readonly example: Readonly<
    Record<"name" | "summary", string> & Record<"headers" | "payload", object>
  >;
}

type Node = Record<string, unknown>;

/** Draft 2020-12 for the schema by itself; AsyncAPI's own schemas are a superset of draft 7. */
type Dialect = "draft-2020-12" | "draft-7";

const SCHEMA_DIALECT_KEY = "$schema";
const BINDING_VERSION = "0.5.0";

/** The event's part of `channels`. */
export function channelOf(event: DescribedEvent) {
  return {
    address: event.topic,
    title: event.titles.channel,
    description: event.channelDescription,
    servers: [{ $ref: "#/servers/local" }],
    messages: { [event.message]: { $ref: `#/components/messages/${event.message}` } },
    bindings: { kafka: { topic: event.topic, bindingVersion: BINDING_VERSION } },
  };
}

/** The event's part of `operations`. */
export function operationOf(event: DescribedEvent) {
  return {
    action: "send",
    title: event.titles.operation,
    summary: event.operationSummary,
    channel: { $ref: `#/channels/${event.channel}` },
    messages: [{ $ref: `#/channels/${event.channel}/messages/${event.message}` }],
  };
}

/** The event's part of `components.messages`. */
export function messageOf(event: DescribedEvent) {
  const { [SCHEMA_DIALECT_KEY]: _dialect, ...payload } = eventSchema(event.schema, "draft-7");
  return {
    name: event.type,
    title: event.titles.message,
    summary: "A CloudEvent 1.0 in Kafka's binary mode: its attributes are in the headers",
    contentType: "application/json",
    headers: headerSchema(event),
    payload,
    bindings: {
      kafka: {
        key: { type: "string", pattern: "^[1-9][0-9]*$", description: event.keyDescription },
        bindingVersion: BINDING_VERSION,
      },
    },
    examples: [event.example],
  };
}

/** What `loms/outbox/event-message.ts` sets, for a test to hold it against. */
function headerSchema({ type, source, namesRefused }: DescribedEvent) {
  const properties = {
    traceparent: {
      type: "string",
      description: "W3C trace context of the request that made the change",
    },
    ce_specversion: { type: "string", const: "1.0" },
    ce_id: { type: "string", description: "The event's `id`" },
    ce_type: { type: "string", const: type },
    ce_source: { type: "string", const: source },
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
    properties: { ...properties, ...namesRefused && refused },
    required: Object.keys(properties),
  };
}

/**
 * The JSON Schema of an event, from the zod schema that reads it. Bounds of int64 are bigints. It
 * is that of a reader, so an event may have fields that are not in it.
 */
export function eventSchema(schema: z.ZodType, target: Dialect): Node {
  const described = z.toJSONSchema(schema, {
    target,
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      writeBigints(jsonSchema);
    },
  });
  return readBigints(described) as Node;
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
