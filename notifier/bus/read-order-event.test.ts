import { expect, test } from "vitest";
import { type IncomingMessage, UnreadableMessageError } from "../../shared/bus/bus.ts";
import { readOrderEvent } from "./read-order-event.ts";

const EVENT = {
  id: "1-2",
  order_id: 1,
  user_id: 5,
  seq: 2,
  status: "awaiting payment",
  at: "2026-01-01T00:00:00.000Z",
};

function message(value: string): IncomingMessage {
  return { key: "1", value, headers: {}, position: "events/1", attempt: 1 };
}

function read(changes: Record<string, unknown>) {
  return readOrderEvent(message(JSON.stringify({ ...EVENT, ...changes })));
}

test("readOrderEvent() reads an event and ignores unknown fields", () => {
  expect(read({ currency: "EUR" })).toEqual({
    orderId: 1n,
    userId: 5n,
    status: "awaiting payment",
    seq: 2,
    at: "2026-01-01T00:00:00.000Z",
    refusedSeqs: [],
    traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/),
  });
});

test("readOrderEvent() reads why an order ended", () => {
  expect(read({ status: "cancelled", reason: "payment_timeout" }))
    .toMatchObject({ status: "cancelled", reason: "payment_timeout" });
});

test.each(["9007199254740991", "9007199254740993", "9223372036854775807"])(
  "readOrderEvent() keeps every digit of %s",
  (digits) => {
    const text = JSON.stringify({ ...EVENT, id: `${digits}-2` })
      .replace('"order_id":1', `"order_id":${digits}`)
      .replace('"user_id":5', `"user_id":${digits}`);
    const { orderId, userId } = readOrderEvent(message(text));
    expect([orderId, userId]).toEqual([BigInt(digits), BigInt(digits)]);
  },
);

test.each([
  ["not JSON", "{", "not JSON"],
  ["nothing", "", "not JSON"],
  ["another shape", "[]", "expected object"],
  ["null", "null", "expected object"],
])("readOrderEvent() refuses %s with the reason", (_what, value, reason) => {
  expect(() => readOrderEvent(message(value))).toThrow(UnreadableMessageError);
  expect(() => readOrderEvent(message(value))).toThrow(reason);
});

test.each([
  ["an id of another event", { id: "1-3" }, "id is 1-3, not 1-2"],
  ["order 0", { order_id: 0, id: "0-2" }, "order_id"],
  ["no user", { user_id: undefined }, "user_id"],
  ["seq 0", { seq: 0, id: "1-0" }, "seq"],
  ["an unknown status", { status: "paid" }, "status"],
  ["a time without a zone", { at: "2026-01-01T00:00:00.000" }, "at"],
])("readOrderEvent() refuses %s and names the field", (_what, changes, reason) => {
  expect(() => read(changes)).toThrow(UnreadableMessageError);
  expect(() => read(changes)).toThrow(reason);
});

test.each(["1.0", "1e0", "9223372036854775808", `1${"0".repeat(100)}`])(
  "readOrderEvent() refuses the order id %s",
  (digits) => {
    const text = JSON.stringify(EVENT).replace('"order_id":1', `"order_id":${digits}`);
    expect(() => readOrderEvent(message(text))).toThrow(UnreadableMessageError);
  },
);
