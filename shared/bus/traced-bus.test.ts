import { expect, test } from "vitest";
import { VirtualClock } from "../async/virtual-clock.ts";
import { rememberedTracing } from "../telemetry/test-tracing.ts";
import { type IncomingMessage, type OutgoingMessage, UnreadableMessageError } from "./bus.ts";
import { tracedPublisher, tracedSubscribe } from "./traced-bus.ts";

const topic = { name: "orders", groups: ["g"], deadLetterQueue: "dead" };
const trace = (letter: string) => letter.repeat(32);
const place = (letter: string, flags = "01") => `00-${trace(letter)}-${"1".repeat(16)}-${flags}`;
const message = (traceparent: string, id = "7-1") => ({
  ...{ key: "7", value: "{}", position: "p", attempt: 1 },
  headers: { traceparent, ce_id: id },
});

function setUp() {
  const tracing = rememberedTracing();
  const options = { tracing, clock: new VirtualClock(), system: "kafka" } as const;
  return { spans: tracing.spans, options };
}

test("each published message that is sampled is a span, and its header leads there", async () => {
  const { spans, options } = setUp();
  const sent: OutgoingMessage[] = [];
  const inner = {
    publish(_: unknown, messages: readonly OutgoingMessage[]) {
      sent.push(...messages);
      return Promise.resolve();
    },
  };
  const unsampled = message(place("b", "00"), "8-1");
  await tracedPublisher(inner, options).publish(topic, [message(place("a")), unsampled]);
  expect(spans).toMatchObject([{
    name: "send orders",
    kind: "producer",
    parent: place("a"),
    attributes: { "messaging.message.id": "7-1", "messaging.batch.message_count": 2 },
    error: undefined,
  }]);
  expect(sent[0]?.headers).toEqual({ ce_id: "7-1", traceparent: spans[0]?.traceparent });
  expect(spans[0]?.traceparent.slice(3, 35)).toBe(trace("a"));
  expect(sent[1]).toBe(unsampled);
});

test("a publish that fails is told of with its code", async () => {
  const { spans, options } = setUp();
  const inner = { publish: () => Promise.reject(new TypeError("a defect")) };
  await expect(tracedPublisher(inner, options).publish(topic, [message(place("a"))]))
    .rejects.toThrow("a defect");
  expect(spans).toMatchObject([{ error: "internal" }]);
});

test("a delivery is a span below the message's, and the handler is placed there", async () => {
  const { spans, options } = setUp();
  const handled: IncomingMessage[] = [];
  const handle = (each: IncomingMessage) => Promise.resolve(void handled.push(each));
  await tracedSubscribe({ topic, group: "g", handle }, options).handle(message(place("a")));
  expect(spans).toMatchObject([{ name: "process orders", kind: "consumer", parent: place("a") }]);
  expect(handled[0]?.headers["traceparent"]).toBe(spans[0]?.traceparent);
});

test("a message that cannot be read is told of", async () => {
  const { spans, options } = setUp();
  const handle = () => Promise.reject(new UnreadableMessageError("no JSON"));
  const { handle: traced } = tracedSubscribe({ topic, group: "g", handle }, options);
  await expect(traced(message(place("a")))).rejects.toThrow("no JSON");
  expect(spans).toMatchObject([{ error: "unreadable" }]);
});
