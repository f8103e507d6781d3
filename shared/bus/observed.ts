import { type Clock, systemClock, within } from "../async/request-context.ts";
import { toAppError } from "../errors.ts";
import {
  counterFamily,
  DURATION_BUCKETS,
  gaugeFamily,
  histogramFamily,
  type Metrics,
} from "../telemetry/metrics.ts";
import {
  childTraceparent,
  observed,
  parseTraceparent,
  type SpanRecord,
  type Tracing,
} from "../telemetry/tracing.ts";
import {
  type Bus,
  type BusSystem,
  type IncomingMessage,
  MessagesRefusedError,
  type OutgoingMessage,
  type SubscribeOptions,
  type Topic,
  UnreadableMessageError,
} from "./bus.ts";

const OPERATION_LABELS = [
  "messaging_system",
  "messaging_destination_name",
  "messaging_operation_name",
] as const;

export const BUS_PUBLISHED_MESSAGES_TOTAL = counterFamily({
  name: "bus_published_messages_total",
  help: "Messages sent to the bus; failed ones are retried, rejected ones are not",
  labels: [...OPERATION_LABELS, "error_type"],
});

export const BUS_PUBLISH_DURATION_SECONDS = histogramFamily({
  name: "bus_publish_duration_seconds",
  help: "Duration of sending a batch to the bus",
  labels: [...OPERATION_LABELS, "error_type"],
  buckets: DURATION_BUCKETS,
});

export const BUS_CONSUME_DURATION_SECONDS = histogramFamily({
  name: "bus_consume_duration_seconds",
  help: "Processing of messages: ok, unreadable (dead-lettered) or failed (redelivered)",
  labels: [...OPERATION_LABELS, "messaging_consumer_group_name", "error_type"],
  buckets: DURATION_BUCKETS,
});

export const BUS_LAG_MESSAGES = gaugeFamily({
  name: "bus_lag_messages",
  help: "Messages that the consumer group has not processed; absent while the bus is unavailable",
  labels: ["messaging_system", "messaging_destination_name", "messaging_consumer_group_name"],
});

/** A scrape may take 10 s, and the other metrics wait for this one. */
const LAG_TIMEOUT_MS = 1_000;

export interface ObservedBusOptions {
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly clock: Clock;
  readonly system: BusSystem;
}

/** A span between a message's trace context and its send span: the wait before `publish()`. */
export interface WaitSpan {
  readonly name: string;
  /** When the wait of a message began, in ms of the clock's `now()`. */
  startedAt(message: OutgoingMessage): number;
}

/**
 * Wraps a bus: measures publishes, counts their messages, and records a span for each message of a
 * sampled trace. The span becomes the message's `traceparent` header. If the start of the wait is
 * given, a span of the wait precedes it.
 */
export function observedPublisher(
  bus: Pick<Bus, "publish">,
  { wait, ...options }: ObservedBusOptions & { readonly wait?: WaitSpan },
): Pick<Bus, "publish"> {
  const { metrics, tracing, clock, system } = options;
  const published = metrics.counter(BUS_PUBLISHED_MESSAGES_TOTAL);
  const durations = metrics.histogram(BUS_PUBLISH_DURATION_SECONDS);
  return {
    async publish(topic, messages) {
      const startedAt = clock.now();
      const { labels, attributes } = messagingOf(system, topic, "send");
      const sending = { ...attributes, "messaging.batch.message_count": messages.length };
      const spans: Omit<SpanRecord, "durationMs">[] = [];
      const outgoing = messages.map((message) => {
        let { traceparent } = message.headers;
        if (traceparent === undefined || !tracing.isSampled(traceparent)) return message;
        const open = (span: Pick<SpanRecord, "name" | "kind" | "startedAt" | "attributes">) => {
          const parent = traceparent;
          traceparent = childTraceparent(parent);
          spans.push({ ...span, traceparent, parent });
        };
        const id = messageId(message);
        if (wait) {
          const since = wait.startedAt(message);
          open({ name: wait.name, kind: "internal", startedAt: since, attributes: id });
        }
        const name = `send ${topic.name}`;
        open({ name, kind: "producer", startedAt, attributes: { ...sending, ...id } });
        return { ...message, headers: { ...message.headers, traceparent } };
      });
      await observed(() => bus.publish(topic, outgoing), {
        clock,
        measure(error, seconds, thrown) {
          const failureLabels = { ...labels, ...(error && { error_type: error }) };
          const { tried, failed } = countsOf(messages.length, thrown);
          if (failed > 0) published.inc(failureLabels, failed);
          if (tried > failed) published.inc(labels, tried - failed);
          durations.observe(failureLabels, seconds);
          const endedAt = clock.now();
          for (const span of spans) {
            tracing.record({ ...span, durationMs: endedAt - span.startedAt, error });
          }
        },
      });
    },
  };
}

function countsOf(sent: number, thrown: unknown): { tried: number; failed: number } {
  if (thrown === undefined) return { tried: sent, failed: 0 };
  if (!(thrown instanceof MessagesRefusedError)) return { tried: sent, failed: sent };
  return { tried: thrown.tried, failed: thrown.refused.length };
}

/**
 * Wraps a subscription: measures each message by the time of its call, and in a sampled trace
 * records a span, which the handler finds in the `traceparent` header.
 */
export function observedSubscription(
  options: SubscribeOptions,
  { metrics, tracing, clock, system }: ObservedBusOptions,
): SubscribeOptions {
  const { topic, group, handle } = options;
  const durations = metrics.histogram(BUS_CONSUME_DURATION_SECONDS);
  const { labels: common, attributes } = messagingOf(system, topic, "process");
  const labels = { ...common, messaging_consumer_group_name: group };
  // Bound once: looking the labels up costs more than counting.
  const handled = durations.labels(labels);
  const attributesOf = (message: IncomingMessage) => ({
    ...attributes,
    "messaging.consumer.group.name": group,
    ...messageId(message),
    "marketplace.delivery_attempt": message.attempt,
  });
  return {
    ...options,
    async handle(messages) {
      const startedAt = clock.now();
      const parents = messages.map(({ headers }) => parseTraceparent(headers.traceparent));
      const traceparents = parents.map((parent) => tracing.startTraceparent(parent));
      const traced = messages.map((message, index) => {
        const headers = { ...message.headers, traceparent: traceparents[index] as string };
        return { ...message, headers };
      });
      const record = (failureOf: (index: number) => unknown) => {
        const durationMs = clock.now() - startedAt;
        messages.forEach((message, index) => {
          const error = codeOf(failureOf(index));
          if (error) durations.observe({ ...labels, error_type: error }, durationMs / 1_000);
          else handled.observe(durationMs / 1_000);
          const [traceparent, parent] = [traceparents[index] as string, parents[index]];
          if (!tracing.isSampled(traceparent)) return;
          tracing.record({
            ...{ traceparent, parent, name: `process ${topic.name}`, kind: "consumer" },
            ...{ startedAt, durationMs, attributes: attributesOf(message), error },
          });
        });
      };
      try {
        const failures = await handle(traced);
        record((index) => failures.get(index));
        return failures;
      } catch (error) {
        record(() => error);
        throw error;
      }
    },
  };
}

function codeOf(failure: unknown): string | undefined {
  if (failure === undefined) return undefined;
  return failure instanceof UnreadableMessageError ? "unreadable" : toAppError(failure).code;
}

export interface WatchedGroup {
  readonly topic: Topic;
  readonly group: string;
  readonly system: BusSystem;
}

/** Reads the lag of the group at each scrape; concurrent scrapes share one call. */
export function watchLag(
  bus: Pick<Bus, "lag">,
  { topic, group, system }: WatchedGroup,
  metrics: Metrics,
): void {
  const lag = metrics.gauge(BUS_LAG_MESSAGES);
  const labels = {
    messaging_system: system,
    messaging_destination_name: topic.name,
    messaging_consumer_group_name: group,
  };
  let reading: Promise<number> | undefined;
  metrics.beforeScrape(async () => {
    reading ??= bus.lag(topic, group).finally(() => reading = undefined);
    try {
      const onTimeout = () => {
        throw new Error("the bus did not report its lag in time");
      };
      lag.set(labels, await within(systemClock, LAG_TIMEOUT_MS, reading, onTimeout));
    } catch {
      // A stale value would look current.
      lag.remove(labels);
    }
  });
}

function messagingOf(system: BusSystem, { name }: Topic, operation: "send" | "process") {
  return {
    labels: {
      messaging_system: system,
      messaging_destination_name: name,
      messaging_operation_name: operation,
    },
    attributes: {
      "messaging.system": system,
      "messaging.destination.name": name,
      "messaging.operation.name": operation,
      "messaging.operation.type": operation,
    },
  };
}

/** The message id from the CloudEvents header. */
function messageId({ headers }: OutgoingMessage) {
  return headers.ce_id === undefined ? {} : { "messaging.message.id": headers.ce_id };
}
