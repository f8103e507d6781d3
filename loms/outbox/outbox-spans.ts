import type { Bus, OutgoingMessage } from "../../shared/bus/bus.ts";
import { inMessageSpans } from "../../shared/bus/message-spans.ts";
import type { TracedBusOptions } from "../../shared/bus/traced-bus.ts";

/**
 * The same bus; each event's stay in the outbox is a span of the request that made the change: from
 * the change, by the database's clock, until the bus has taken it.
 */
export function outboxSpans(
  bus: Pick<Bus, "publish">,
  { tracing, clock }: Pick<TracedBusOptions, "tracing" | "clock">,
): Pick<Bus, "publish"> {
  const startedAt = ({ headers }: OutgoingMessage) => {
    const agoMs = clock.epochMs() - Date.parse(headers.ce_time ?? "");
    return clock.now() - Math.max(0, agoMs || 0);
  };
  return {
    async publish(topic, messages) {
      const spans = { name: `outbox ${topic.name}`, kind: "internal", attributes: {} } as const;
      const send = bus.publish.bind(bus, topic);
      await inMessageSpans(messages, { tracing, clock, startedAt, ...spans }, send);
    },
  };
}
