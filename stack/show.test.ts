import { expect, test } from "vitest";
import { readyBlock, renderLine } from "./show.ts";
import type { StackFacts } from "./stack-file.ts";

const facts: StackFacts = {
  urls: {
    cart: "http://127.0.0.1:8082",
    loms: "http://127.0.0.1:8084",
    lomsGrpc: "127.0.0.1:50051",
    lomsAdmin: "http://127.0.0.1:8094",
    notifier: "http://127.0.0.1:8086",
    products: "http://127.0.0.1:8090",
  },
  databases: {
    loms: "postgres://postgres:hidden@127.0.0.1:15432/loms",
    lomsReplicas: ["postgres://postgres:hidden@127.0.0.1:15433/loms"],
    bus: "postgres://postgres:hidden@127.0.0.1:15432/bus",
    notifier: "postgres://postgres:hidden@127.0.0.1:15432/notifier",
  },
  logDirectory: "/data/logs",
};

test("renderLine() shows a log record with every digit of its ids", () => {
  const line = '{"service":"notifier","timestamp":"2026-01-01T00:00:00.000Z","level":"info",' +
    '"message":"order is payed","order_id":9223372036854775807}';
  expect(renderLine(line)).toContain("order_id=9223372036854775807");
});

test.each(["FATAL ERROR: out of memory", '{"half":', '{"no":"record"}'])(
  "renderLine() returns what is not a log record unchanged: %s",
  (line) => {
    expect(renderLine(line)).toBe(line);
  },
);

test("readyBlock() names every address and shows no password", () => {
  const block = readyBlock(facts, 1_500);
  for (const url of Object.values(facts.urls)) expect(block).toContain(url);
  expect(block).toContain("127.0.0.1:15432, replica 127.0.0.1:15433");
  expect(block).not.toContain("hidden");
});

test("readyBlock() masks the credentials of the product service", () => {
  const shown = (products: string) =>
    readyBlock({ ...facts, urls: { ...facts.urls, products } }, 1_500);
  expect(shown("https://shop:hidden@products/api")).toContain("https://shop:***@products/api");
  expect(shown("https://hidden@products/api")).toContain("https://***@products/api");
});

test("readyBlock() names the bus", () => {
  expect(readyBlock(facts, 1_500)).toContain("over the embedded bus");
  const kafkaBrokers = "127.0.0.1:19092";
  expect(readyBlock({ ...facts, kafkaBrokers }, 1_500)).toContain(`Apache Kafka ${kafkaBrokers}`);
});

test("readyBlock() offers three requests to try", () => {
  expect(readyBlock(facts, 1_500).match(/^ +curl /gm)).toHaveLength(3);
});
