import { createRequire } from "node:module";
import { systemClock, within } from "../async/request-context.ts";

/** The part of kafkajs 2.2.4 that {@link keepHeartbeats} patches. */
interface ConsumerGroup {
  readonly groupId: string;
  readonly cluster: { findGroupCoordinator(of: { readonly groupId: string }): Promise<object> };
  readonly offsetManager: { coordinator: object } | null;
  coordinator: object;
  lastRequest: number;
  heartbeat(options: { readonly interval: number }): Promise<void>;
}

/** Names and types of the errors of a broker that is not, or no longer, the coordinator. */
const LOST = [
  "KafkaJSConnectionError",
  "KafkaJSConnectionClosedError",
  "KafkaJSRequestTimeoutError",
  "KafkaJSBrokerNotFound",
  "NOT_COORDINATOR_FOR_GROUP",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
];

/** How long one heartbeat waits for a lookup, which may take up to a minute. */
const LOOKUP_MAX_MS = 2_000;

/** Lookups in progress. */
const lookups = new WeakMap<ConsumerGroup, Promise<void>>();

/**
 * Patches the consumers of kafkajs 2.2.4, which stop their heartbeats in two cases, so that the
 * broker removes the member after its session. Call it once per process.
 *
 * - The clock steps back. kafkajs schedules heartbeats by wall-clock time, so it sends none until
 *   the clock has caught up. With the patch, a last heartbeat in the future counts as long past.
 * - The coordinator's broker dies. kafkajs calls the same broker until it is back, or until its
 *   retries are used up after a minute, and commits nothing. With the patch, it looks up the new
 *   coordinator, and the membership continues.
 */
export function keepHeartbeats(): void {
  const load = createRequire(import.meta.url);
  const { prototype } = load("kafkajs/src/consumer/consumerGroup.js") as {
    prototype: ConsumerGroup;
  };
  const heartbeat = prototype.heartbeat;
  prototype.heartbeat = async function (options) {
    if (this.lastRequest > Date.now()) this.lastRequest = 0;
    try {
      await heartbeat.call(this, options);
    } catch (error) {
      if (!isLost(error)) throw error;
      const lookup = lookups.get(this) ?? lookUpCoordinator(this);
      lookups.set(this, lookup);
      await within(systemClock, LOOKUP_MAX_MS, lookup, () => {
        throw error;
      });
      await heartbeat.call(this, options);
    }
  };
}

async function lookUpCoordinator(group: ConsumerGroup): Promise<void> {
  try {
    const coordinator = await group.cluster.findGroupCoordinator({ groupId: group.groupId });
    group.coordinator = coordinator;
    if (group.offsetManager) group.offsetManager.coordinator = coordinator;
  } finally {
    lookups.delete(group);
  }
}

function isLost(error: unknown): boolean {
  const { name, type } = (error ?? {}) as { name?: unknown; type?: unknown };
  return LOST.includes(String(name)) || LOST.includes(String(type));
}
