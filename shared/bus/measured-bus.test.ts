import { expect, test } from "vitest";
import { VirtualClock } from "../async/virtual-clock.ts";
import { AppError } from "../errors.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples, series } from "../telemetry/test-samples.ts";
import { type IncomingMessage, MessagesRefusedError, UnreadableMessageError } from "./bus.ts";
import { measuredPublisher, measuredSubscribe } from "./measured-bus.ts";

const topic = { name: "orders", groups: ["g"], deadLetterQueue: "dead" };
const clock = new VirtualClock();
const options = (metrics: Metrics) => ({ metrics, clock, system: "kafka" } as const);
const LABELS = { messaging_system: "kafka", messaging_destination_name: "orders" };
/** A series of what was published, by the error that it met. */
const sent = (name: string, error_type?: string) =>
  series(name, {
    ...{ ...LABELS, messaging_operation_name: "send" },
    ...(error_type && { error_type }),
  });
const message = { key: "1", value: "{}", headers: {}, position: "p", attempt: 1 };

test("published messages are counted by what became of their batch", async () => {
  const metrics = new Metrics("loms");
  const away = new AppError("unavailable", "the bus is away");
  let failure: AppError | undefined;
  const inner = { publish: () => failure ? Promise.reject(failure) : Promise.resolve() };
  const bus = measuredPublisher(inner, options(metrics));
  await bus.publish(topic, [message, message]);
  failure = away;
  await expect(bus.publish(topic, [message])).rejects.toBe(away);
  const samples = readSamples(await metrics.text());
  expect(samples.get(sent("bus_published_messages_total"))).toBe(2);
  expect(samples.get(sent("bus_published_messages_total", "unavailable"))).toBe(1);
  expect(samples.get(sent("bus_publish_duration_seconds_count"))).toBe(1);
});

test("of a batch with messages that were refused, the others count as published", async () => {
  const metrics = new Metrics("loms");
  const refusing = {
    publish: () => Promise.reject(new MessagesRefusedError([{ index: 1, reason: "large" }], 3)),
  };
  const bus = measuredPublisher(refusing, options(metrics));
  const batch = Array.from({ length: 5 }, () => message);
  await expect(bus.publish(topic, batch)).rejects.toBeInstanceOf(MessagesRefusedError);
  const samples = readSamples(await metrics.text());
  const published = (errorType?: string) =>
    samples.get(sent("bus_published_messages_total", errorType));
  expect([published(), published("invalid_argument")]).toEqual([2, 1]);
});

test("consumed messages are measured by what became of them", async () => {
  const metrics = new Metrics("notifier");
  const failures = [undefined, new UnreadableMessageError("no JSON"), new TypeError("a defect")];
  const handle = (_: IncomingMessage) => {
    const failure = failures.shift();
    return failure ? Promise.reject(failure) : Promise.resolve();
  };
  const measured = measuredSubscribe({ topic, group: "g", handle }, options(metrics));
  await measured.handle(message);
  await expect(measured.handle(message)).rejects.toBeInstanceOf(UnreadableMessageError);
  await expect(measured.handle(message)).rejects.toBeInstanceOf(TypeError);
  const samples = readSamples(await metrics.text());
  for (const error_type of [undefined, "unreadable", "internal"]) {
    const name = series("bus_consume_duration_seconds_count", {
      ...{ ...LABELS, messaging_operation_name: "process", messaging_consumer_group_name: "g" },
      ...(error_type && { error_type }),
    });
    expect(samples.get(name), error_type).toBe(1);
  }
});
