import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { orderEventMessage } from "../../loms/outbox/order-outbox.ts";
import { stockEventMessage } from "../../loms/outbox/stock-outbox.ts";
import { readOrderEvent } from "../../notifier/bus/read-order-event.ts";
import {
  NOTIFIER_GROUP,
  ORDER_EVENT_ATTRIBUTES,
  ORDER_EVENTS,
  type OrderEvent,
} from "../../proto/order-event.ts";
import { STOCK_EVENT_ATTRIBUTES, STOCK_EVENTS, type StockEvent } from "../../proto/stock-event.ts";
import { REFUSED_BEFORE } from "../../shared/bus/bus.ts";
import { eventDocuments } from "./documents.ts";

const formats = { int32: true, int64: true, "date-time": true } as const;
const documents = eventDocuments();
const asyncApi = parse(documents["events.yaml"] ?? "") as {
  info: { description: string };
  channels: Record<"orderEvents" | "stockEvents", object>;
  components: {
    messages: Record<"orderStatusChanged" | "stockChanged", Message>;
  };
};
const { orderStatusChanged, stockChanged } = asyncApi.components.messages;
const ajv = new Ajv({ formats });
const isHeaders = ajv.compile(orderStatusChanged.headers);
const isPayload = ajv.compile(orderStatusChanged.payload);
const isEvent = new Ajv2020({ formats }).compile(
  JSON.parse(documents["order-event.schema.json"] ?? "") as object,
);

interface Message {
  readonly name: string;
  readonly headers: object;
  readonly payload: object;
  readonly examples: readonly Sample[];
}

interface Sample {
  readonly headers: object;
  readonly payload: object;
}

const event = {
  id: "9223372036854775807-2",
  order_id: 9_223_372_036_854_775_807n,
  user_id: 1n,
  seq: 2,
  status: "awaiting payment",
  at: "2026-01-02T03:04:05.678Z",
} as const;

test("both documents describe the order events that loms publishes", () => {
  const { headers, value } = orderEventMessage(event, "00-1-2-01");
  const sent: unknown = JSON.parse(value);
  expect(isPayload(sent), ajv.errorsText(isPayload.errors)).toBe(true);
  expect(isEvent(sent), ajv.errorsText(isEvent.errors)).toBe(true);
  expect(isHeaders(headers), ajv.errorsText(isHeaders.errors)).toBe(true);
  const { traceparent: _left, ...fewer } = headers;
  expect(isHeaders(fewer)).toBe(false);
});

test("both documents describe the stock events that loms publishes", () => {
  const { headers, value } = stockEventMessage({
    id: "4294967295-9",
    sku: 4_294_967_295,
    kind: "back_in_stock",
    available: 9_223_372_036_854_775_807n,
    total_count: 9_223_372_036_854_775_807n,
    at: "2026-01-02T03:04:05.678Z",
  }, "00-1-2-01");
  const sent: unknown = JSON.parse(value);
  const isStock = ajv.compile(stockChanged.payload);
  expect(isStock(sent), ajv.errorsText(isStock.errors)).toBe(true);
  const bySchema = new Ajv2020({ formats }).compile(
    JSON.parse(documents["stock-event.schema.json"] ?? "") as object,
  );
  expect(bySchema(sent)).toBe(true);
  expect(isStock({ ...sent as object, kind: "sold" })).toBe(false);
  const areHeaders = ajv.compile(stockChanged.headers);
  expect(areHeaders(headers), ajv.errorsText(areHeaders.errors)).toBe(true);
  expect(isStock(stockChanged.examples[0]?.payload)).toBe(true);
});

test("the documents keep every digit of a bound and of the example", () => {
  for (const text of Object.values(documents)) expect(text).toMatch(/9223372036854775807\b/);
  expect(documents["events.yaml"]).toContain("user_id: 9007199254740993\n");
});

test("the examples are events as loms publishes them", () => {
  const [order] = orderStatusChanged.examples;
  const [stock] = stockChanged.examples;
  expect(isPayload(order?.payload)).toBe(true);
  expect(order?.headers)
    .toEqual(orderEventMessage(order?.payload as OrderEvent, traceparentOf(order)).headers);
  expect(stock?.headers)
    .toEqual(stockEventMessage(stock?.payload as StockEvent, traceparentOf(stock)).headers);
});

function traceparentOf(sample: Sample | undefined): string {
  return (sample?.headers as { traceparent: string }).traceparent;
}

test("the document has the names of the code", () => {
  const { orderEvents, stockEvents } = asyncApi.channels;
  for (
    const [channel, topic] of [[orderEvents, ORDER_EVENTS], [stockEvents, STOCK_EVENTS]] as const
  ) {
    expect(channel).toMatchObject({
      address: topic.name,
      bindings: { kafka: { topic: topic.name } },
    });
  }
  expect(asyncApi.info.description).toContain(`\`${ORDER_EVENTS.deadLetterQueue}\``);
  expect(asyncApi.info.description).toContain(`group \`${NOTIFIER_GROUP}\``);
  expect(orderStatusChanged).toHaveProperty(["headers", "properties", REFUSED_BEFORE]);
  expect([orderStatusChanged.name, stockChanged.name]).toEqual([
    ORDER_EVENT_ATTRIBUTES.type,
    STOCK_EVENT_ATTRIBUTES.type,
  ]);
});

const { at: _at, ...undated } = event;
test.each([
  ["a missing field", undated],
  ["order 0", { ...event, order_id: 0, id: "0-2" }],
  ["a user in a string that is not an id", { ...event, user_id: "first" }],
  ["seq 0", { ...event, seq: 0, id: `${event.order_id}-0` }],
  ["an unknown status", { ...event, status: "lost" }],
  ["a time without milliseconds", { ...event, at: "2026-01-02T03:04:05Z" }],
])("the documents refuse %s, as the notifier does", (_title, wrong) => {
  const value = JSON.stringify(
    wrong,
    (_key, each: unknown) => typeof each === "bigint" ? Number(each) : each,
  );
  expect(isPayload(JSON.parse(value))).toBe(false);
  expect(isEvent(JSON.parse(value))).toBe(false);
  expect(() => readOrderEvent({ key: "1", value, headers: {} } as never)).toThrow(/Cannot read/);
});
