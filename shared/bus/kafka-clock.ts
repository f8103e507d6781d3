import { createRequire } from "node:module";

/** What the patch below touches of kafkajs 2.2.4. */
interface ConsumerGroup {
  lastRequest: number;
  heartbeat(options: { readonly interval: number }): Promise<void>;
}

const patched = new WeakSet<object>();

/**
 * A consumer of kafkajs 2.2.4 sends its next heartbeat by the calendar: when the clock of its process
 * steps back an hour, none goes out for that hour, and the broker takes the member for dead each time
 * that it joins. A heartbeat from the future counts as one of long ago.
 */
export function heartbeatsFollowClockBack(): void {
  const load = createRequire(import.meta.url);
  const { prototype } = load("kafkajs/src/consumer/consumerGroup.js") as {
    prototype: ConsumerGroup;
  };
  if (patched.has(prototype)) return;
  patched.add(prototype);
  const heartbeat = prototype.heartbeat;
  prototype.heartbeat = function (options) {
    if (this.lastRequest > Date.now()) this.lastRequest = 0;
    return heartbeat.call(this, options);
  };
}
