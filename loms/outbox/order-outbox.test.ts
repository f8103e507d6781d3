import { expect, test } from "vitest";
import { orderEventMessage } from "./order-outbox.ts";

test("orderEventMessage() keeps every digit and has the CloudEvents headers", () => {
  const message = orderEventMessage({
    id: "9223372036854775807-2",
    order_id: 9223372036854775807n,
    user_id: 9007199254740993n,
    seq: 2,
    status: "awaiting payment",
    at: "2026-01-02T03:04:05.678Z",
  }, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  expect(message).toEqual({
    key: "9223372036854775807",
    value: '{"id":"9223372036854775807-2","order_id":9223372036854775807,' +
      '"user_id":9007199254740993,"seq":2,"status":"awaiting payment",' +
      '"at":"2026-01-02T03:04:05.678Z"}',
    headers: {
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      ce_specversion: "1.0",
      ce_id: "9223372036854775807-2",
      ce_type: "loms.order.status-changed",
      ce_source: "/loms",
      ce_time: "2026-01-02T03:04:05.678Z",
      "content-type": "application/json",
    },
  });
});
