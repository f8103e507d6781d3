import type { Clock } from "../async/clock.ts";
import { toAppError } from "../errors.ts";
import {
  counterFamily,
  DURATION_BUCKETS,
  histogramFamily,
  type Metrics,
} from "../telemetry/metrics.ts";
import type { BusSystem } from "./bus.ts";
import {
  type Bus,
  MessagesRefusedError,
  type SubscribeOptions,
  UnreadableMessageError,
} from "./bus.ts";

const MESSAGING_LABELS = [
  "messaging_system",
  "messaging_destination_name",
  "messaging_operation_name",
] as const;

export const BUS_PUBLISHED_MESSAGES_TOTAL = counterFamily({
  name: "bus_published_messages_total",
  help: "Messages handed to the bus; those that failed come again, those refused do not",
  labels: [...MESSAGING_LABELS, "error_type"],
});

export const BUS_PUBLISH_DURATION_SECONDS = histogramFamily({
  name: "bus_publish_duration_seconds",
  help: "Batches handed to the bus",
  labels: [...MESSAGING_LABELS, "error_type"],
  buckets: DURATION_BUCKETS,
});

export const BUS_CONSUME_DURATION_SECONDS = histogramFamily({
  name: "bus_consume_duration_seconds",
  help: "Messages consumed: ok, unreadable (to the dead letters) or a failure (comes again)",
  labels: [...MESSAGING_LABELS, "messaging_consumer_group_name", "error_type"],
  buckets: DURATION_BUCKETS,
});

export interface MeasuredBusOptions {
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly system: BusSystem;
}

/** The same bus, its publishes measured and their messages counted. */
export function measuredPublisher(
  bus: Pick<Bus, "publish">,
  { metrics, clock, system }: MeasuredBusOptions,
): Pick<Bus, "publish"> {
  const published = metrics.counter(BUS_PUBLISHED_MESSAGES_TOTAL);
  const durations = metrics.histogram(BUS_PUBLISH_DURATION_SECONDS);
  return {
    async publish(topic, messages) {
      const startedAt = clock.now();
      const labels = {
        messaging_system: system,
        messaging_destination_name: topic.name,
        messaging_operation_name: "send",
      };
      let errorType: string | undefined;
      let failed = 0;
      let handed = messages.length;
      try {
        await bus.publish(topic, messages);
      } catch (error) {
        errorType = toAppError(error).code;
        failed = messages.length;
        if (error instanceof MessagesRefusedError) {
          handed = error.tried;
          failed = error.refused.length;
        }
        throw error;
      } finally {
        const ending = errorType === undefined ? labels : { ...labels, error_type: errorType };
        if (failed > 0) published.inc(ending, failed);
        if (handed > failed) published.inc(labels, handed - failed);
        durations.observe(ending, (clock.now() - startedAt) / 1000);
      }
    },
  };
}

/** The same subscription, every delivery of a message measured. */
export function measuredSubscribe(
  options: SubscribeOptions,
  { metrics, clock, system }: MeasuredBusOptions,
): SubscribeOptions {
  const durations = metrics.histogram(BUS_CONSUME_DURATION_SECONDS);
  const { topic, group, handle } = options;
  const labels = {
    messaging_system: system,
    messaging_destination_name: topic.name,
    messaging_operation_name: "process",
    messaging_consumer_group_name: group,
  };
  return {
    ...options,
    async handle(message) {
      const startedAt = clock.now();
      let errorType: string | undefined;
      try {
        await handle(message);
      } catch (error) {
        errorType = error instanceof UnreadableMessageError ? "unreadable" : toAppError(error).code;
        throw error;
      } finally {
        const seconds = (clock.now() - startedAt) / 1000;
        durations.observe({ ...labels, ...(errorType && { error_type: errorType }) }, seconds);
      }
    },
  };
}
