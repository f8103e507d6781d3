import { describe, expect, test, vi } from "vitest";
import { VirtualClock } from "../async/test/virtual-clock.ts";
import { AppError } from "../errors.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples } from "../telemetry/samples.ts";
import { series } from "../telemetry/test/samples.ts";
import { rememberedTracing } from "../telemetry/test/tracing.ts";
import {
  type IncomingMessage,
  MessagesRefusedError,
  type OutgoingMessage,
  UnreadableMessageError,
} from "./bus.ts";
import { observedPublisher, observedSubscription, watchLag } from "./observed.ts";
import { eachMessage } from "./test/each-message.ts";

const topic = { name: "orders", groups: ["g"], deadLetterQueue: "dead" };
const LABELS = { messaging_system: "kafka", messaging_destination_name: "orders" };
const trace = (letter: string) => letter.repeat(32);
const contextOf = (letter: string, flags = "01") =>
  `00-${trace(letter)}-${"1".repeat(16)}-${flags}`;
const message = (traceparent: string, id = "7-1") => ({
  ...{ key: "7", value: "{}", position: "p", attempt: 1 },
  headers: { traceparent, ce_id: id },
});
const sampled = message(contextOf("a"));

function setUp() {
  const tracing = rememberedTracing();
  const metrics = new Metrics("loms");
  const options = { metrics, tracing, clock: new VirtualClock(), system: "kafka" } as const;
  const samples = async () => readSamples(await metrics.text());
  return { spans: tracing.spans, options, samples };
}

describe("observedPublisher()", () => {
  /** A series of published messages, by their error. */
  const sent = (name: string, error_type?: string) =>
    series(name, {
      ...{ ...LABELS, messaging_operation_name: "send" },
      ...(error_type && { error_type }),
    });

  test("counts messages by the outcome of their batch", async () => {
    const { options, samples } = setUp();
    const down = new AppError("unavailable", "the bus is unavailable");
    const publish = vi.fn(() => Promise.resolve());
    const bus = observedPublisher({ publish }, options);
    await bus.publish(topic, [sampled, sampled]);
    publish.mockRejectedValueOnce(down);
    await expect(bus.publish(topic, [sampled])).rejects.toBe(down);
    const found = await samples();
    expect(found.get(sent("bus_published_messages_total"))).toBe(2);
    expect(found.get(sent("bus_published_messages_total", "unavailable"))).toBe(1);
    expect(found.get(sent("bus_publish_duration_seconds_count"))).toBe(1);
  });

  test("counts the messages of a batch beside the rejected ones as published", async () => {
    const { options, samples } = setUp();
    const refusal = new MessagesRefusedError([{ index: 1, reason: "large" }], 3);
    const bus = observedPublisher({ publish: () => Promise.reject(refusal) }, options);
    const batch = Array.from({ length: 5 }, () => sampled);
    await expect(bus.publish(topic, batch)).rejects.toBe(refusal);
    const found = await samples();
    const published = (errorType?: string) =>
      found.get(sent("bus_published_messages_total", errorType));
    expect([published(), published("invalid_argument")]).toEqual([2, 1]);
  });

  function recording() {
    const messages: OutgoingMessage[] = [];
    const publish = (_: unknown, published: readonly OutgoingMessage[]) =>
      Promise.resolve(void messages.push(...published));
    return { messages, bus: { publish } };
  }

  test("records a span for each sampled message, which its header names", async () => {
    const { spans, options } = setUp();
    const { messages, bus } = recording();
    const unsampled = message(contextOf("b", "00"), "8-1");
    await observedPublisher(bus, options).publish(topic, [sampled, unsampled]);
    expect(spans).toMatchObject([{
      name: "send orders",
      kind: "producer",
      parent: contextOf("a"),
      attributes: { "messaging.message.id": "7-1", "messaging.batch.message_count": 2 },
      error: undefined,
    }]);
    expect(messages[0]?.headers).toEqual({ ce_id: "7-1", traceparent: spans[0]?.traceparent });
    expect(spans[0]?.traceparent.slice(3, 35)).toBe(trace("a"));
    expect(messages[1]).toBe(unsampled);
  });

  test("records the wait of a sampled message as the parent of its send span", async () => {
    const { spans, options } = setUp();
    const { messages, bus } = recording();
    const wait = { name: "outbox orders", startedAt: () => options.clock.now() - 50 };
    await observedPublisher(bus, { ...options, wait }).publish(topic, [sampled]);
    const [waited, sending] = spans;
    expect(waited).toMatchObject({ name: "outbox orders", parent: contextOf("a"), durationMs: 50 });
    expect(sending).toMatchObject({ name: "send orders", parent: waited?.traceparent });
    expect(messages[0]?.headers.traceparent).toBe(sending?.traceparent);
  });

  test("records the error code of a failed publish", async () => {
    const { spans, options } = setUp();
    const inner = { publish: () => Promise.reject(new TypeError("a defect")) };
    await expect(observedPublisher(inner, options).publish(topic, [sampled]))
      .rejects.toThrow("a defect");
    expect(spans).toMatchObject([{ error: "internal" }]);
  });
});

describe("observedSubscription()", () => {
  test("measures and records each delivery by its outcome", async () => {
    const { spans, options, samples } = setUp();
    const failures = [undefined, new UnreadableMessageError("no JSON"), new TypeError("a defect")];
    const handled: IncomingMessage[] = [];
    const handle = vi.fn((incoming: IncomingMessage) => {
      handled.push(incoming);
      const failure = failures.shift();
      return failure ? Promise.reject(failure) : Promise.resolve();
    });
    const subscription = { topic, group: "g", handle: eachMessage(handle) };
    const observed = observedSubscription(subscription, options);
    const failed = await observed.handle([sampled, sampled, sampled]);
    expect([...failed.keys()]).toEqual([1, 2]);
    const found = await samples();
    for (const [index, error] of [undefined, "unreadable", "internal"].entries()) {
      const name = series("bus_consume_duration_seconds_count", {
        ...{ ...LABELS, messaging_operation_name: "process", messaging_consumer_group_name: "g" },
        ...(error && { error_type: error }),
      });
      expect(found.get(name), error).toBe(1);
      const span = { name: "process orders", kind: "consumer", parent: contextOf("a"), error };
      expect(spans[index]).toMatchObject(span);
      expect(handled[index]?.headers["traceparent"]).toBe(spans[index]?.traceparent);
    }
  });
});

test("observedSubscription() measures each message of a call that rejects", async () => {
  const { spans, options } = setUp();
  const handle = () => Promise.reject(new AppError("unavailable", "the database is down"));
  const observed = observedSubscription({ topic, group: "g", handle }, options);
  await expect(observed.handle([sampled, sampled])).rejects.toThrow("the database is down");
  expect(spans.map(({ error }) => error)).toEqual(["unavailable", "unavailable"]);
});

describe("watchLag()", () => {
  const watched = { topic, group: "g", system: "kafka" } as const;
  const name = series("bus_lag_messages", { ...LABELS, messaging_consumer_group_name: "g" });

  test("reads the lag at the scrape, once for concurrent scrapes", async () => {
    const { options: { metrics }, samples } = setUp();
    const lag = vi.fn(() => Promise.resolve(7));
    watchLag({ lag }, watched, metrics);
    const [found] = await Promise.all([samples(), samples()]);
    expect(found.get(name)).toBe(7);
    expect(lag).toHaveBeenCalledTimes(1);
  });

  test("reports no lag while the bus is unavailable, and again afterwards", async () => {
    const { options: { metrics }, samples } = setUp();
    const lag = vi.fn(() => Promise.resolve(7));
    watchLag({ lag }, watched, metrics);
    await samples();
    lag.mockRejectedValueOnce(new AppError("unavailable", "no bus"));
    expect((await samples()).has(name)).toBe(false);
    expect((await samples()).get(name)).toBe(7);
  });
});
