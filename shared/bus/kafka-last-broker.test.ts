import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { keepLastBroker } from "./kafka-last-broker.ts";

interface BrokerPool {
  brokers: object;
  seedBroker: object;
  metadataExpireAt: number | null;
  removeBroker(address: { host: string; port: number }): void;
  getNodeIds(): string[];
}

const logger = { namespace: () => logger };

function brokerOn(port: number) {
  return { nodeId: String(port), connectionPool: { host: "kafka", port } };
}

test("a lost broker is dropped, but not the last one", () => {
  keepLastBroker();
  const load = createRequire(import.meta.url);
  const Pool = load("kafkajs/src/cluster/brokerPool.js") as new (options: object) => BrokerPool;
  const pool = new Pool({ connectionPoolBuilder: {}, logger });
  pool.brokers = { 1: brokerOn(1), 2: brokerOn(2) };
  pool.seedBroker = brokerOn(3);
  for (const port of [1, 2]) {
    pool.metadataExpireAt = Infinity;
    pool.removeBroker({ host: "kafka", port });
    expect(pool.getNodeIds()).toEqual(["2"]);
    expect(pool.metadataExpireAt, "the metadata are requested again").toBeNull();
  }
});
