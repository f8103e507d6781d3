import { createRequire } from "node:module";

interface Address {
  readonly host: string;
  readonly port: number;
}

/** The part of kafkajs 2.2.4 that {@link keepLastBroker} patches. */
interface BrokerPool {
  readonly brokers: Readonly<Record<string, unknown>>;
  metadataExpireAt: number | null;
  removeBroker(address: Address): void;
}

/**
 * kafkajs 2.2.4 drops a broker from its list when a fetch loses the connection. Without any broker
 * the consumer does not retry: it ends and joins as a new member, which waits until the session of
 * the old one has expired. With this patch the last broker stays, and the consumer reconnects to it
 * and keeps its membership. Call it once per process.
 */
export function keepLastBroker(): void {
  const load = createRequire(import.meta.url);
  const { prototype } = load("kafkajs/src/cluster/brokerPool.js") as { prototype: BrokerPool };
  const { removeBroker } = prototype;
  prototype.removeBroker = function (address) {
    if (Object.keys(this.brokers).length > 1) removeBroker.call(this, address);
    else this.metadataExpireAt = null;
  };
}
