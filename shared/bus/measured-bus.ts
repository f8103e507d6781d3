import type { Clock } from "../async/clock.ts";
import { toAppError } from "../errors.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import {
  type Bus,
  MessagesRefusedError,
  type SubscribeOptions,
  UnreadableMessageError,
} from "./bus.ts";

/** The same bus, its publishes measured and their messages counted. */
export function measuredPublisher(
  bus: Pick<Bus, "publish">,
  metrics: Metrics,
  clock: Clock,
): Pick<Bus, "publish"> {
  const published = metrics.counter("bus_published_messages_total");
  const durations = metrics.histogram("bus_publish_duration_seconds");
  return {
    async publish(topic, messages) {
      const startedAt = clock.now();
      let status = "ok";
      let failed = 0;
      let handed = messages.length;
      try {
        await bus.publish(topic, messages);
      } catch (error) {
        status = toAppError(error).code;
        failed = messages.length;
        if (error instanceof MessagesRefusedError) {
          handed = error.tried;
          failed = error.refused.length;
        }
        throw error;
      } finally {
        if (failed > 0) published.inc({ topic: topic.name, status }, failed);
        if (handed > failed) published.inc({ topic: topic.name, status: "ok" }, handed - failed);
        durations.observe({ topic: topic.name, status }, (clock.now() - startedAt) / 1000);
      }
    },
  };
}

/** The same subscription, every delivery of a message measured. */
export function measuredSubscribe(
  options: SubscribeOptions,
  metrics: Metrics,
  clock: Clock,
): SubscribeOptions {
  const durations = metrics.histogram("bus_consume_duration_seconds");
  const { topic, group, handle } = options;
  return {
    ...options,
    async handle(message) {
      const startedAt = clock.now();
      let status = "ok";
      try {
        await handle(message);
      } catch (error) {
        status = error instanceof UnreadableMessageError ? "unreadable" : toAppError(error).code;
        throw error;
      } finally {
        const seconds = (clock.now() - startedAt) / 1000;
        durations.observe({ topic: topic.name, group, status }, seconds);
      }
    },
  };
}
