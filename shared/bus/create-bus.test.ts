import { expect, test } from "vitest";
import { readConfig } from "../config.ts";
import { busSettings } from "./create-bus.ts";

test("KAFKA_BROKERS is a list of addresses", () => {
  const { KAFKA_BROKERS } = readConfig(busSettings, { KAFKA_BROKERS: "a:9092, b.example:19092" });
  expect(KAFKA_BROKERS).toEqual(["a:9092", "b.example:19092"]);
});

test.each(["kafka", "kafka:", "kafka://kafka:9092"])("KAFKA_BROKERS refuses %s", (brokers) => {
  expect(() => readConfig(busSettings, { KAFKA_BROKERS: `a:9092,${brokers}` }))
    .toThrow(/KAFKA_BROKERS\.1: is not an address such as 127\.0\.0\.1:9092/);
});
