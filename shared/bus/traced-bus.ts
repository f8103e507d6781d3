import type { Clock } from "../async/clock.ts";
import { toAppError } from "../errors.ts";
import { inSpan } from "../telemetry/in-span.ts";
import { parseTraceparent } from "../telemetry/traceparent.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { type Bus, type SubscribeOptions, UnreadableMessageError } from "./bus.ts";
import type { BusSystem } from "./bus.ts";
import { inMessageSpans, messageId } from "./message-spans.ts";

export interface TracedBusOptions {
  readonly tracing: Tracing;
  readonly clock: Clock;
  readonly system: BusSystem;
}

/** The same bus; each message that it takes is a span, and its header leads there. */
export function tracedPublisher(
  bus: Pick<Bus, "publish">,
  { tracing, clock, system }: TracedBusOptions,
): Pick<Bus, "publish"> {
  return {
    async publish(topic, messages) {
      const attributes = {
        "messaging.system": system,
        "messaging.destination.name": topic.name,
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.batch.message_count": messages.length,
      };
      const spans = { name: `send ${topic.name}`, kind: "producer", attributes } as const;
      const send = bus.publish.bind(bus, topic);
      await inMessageSpans(messages, { tracing, clock, ...spans }, send);
    },
  };
}

/** The same subscription; each delivery is a span, which the handler finds in the header. */
export function tracedSubscribe(
  options: SubscribeOptions,
  { tracing, clock, system }: TracedBusOptions,
): SubscribeOptions {
  const { topic, group, handle } = options;
  return {
    ...options,
    handle(message) {
      const parent = parseTraceparent(message.headers.traceparent);
      const traceparent = tracing.place(parent);
      const placed = { ...message, headers: { ...message.headers, traceparent } };
      if (!tracing.keeps(traceparent)) return handle(placed);
      const attributes = {
        "messaging.system": system,
        "messaging.destination.name": topic.name,
        "messaging.consumer.group.name": group,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        ...messageId(message),
        "marketplace.delivery_attempt": message.attempt,
      };
      return inSpan(tracing, {
        ...{ traceparent, parent, name: `process ${topic.name}`, kind: "consumer", clock },
        describe: (error) => ({ attributes, error }),
        codeOf: (thrown) =>
          thrown instanceof UnreadableMessageError ? "unreadable" : toAppError(thrown).code,
      }, () => handle(placed));
    },
  };
}
