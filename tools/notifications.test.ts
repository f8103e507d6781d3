import { expect, test } from "vitest";
import { readNotificationLine } from "./notifications.ts";

const NOTIFICATION =
  `"order_id":9007199254740993,"user_id":1,"seq":2,"status":"awaiting payment","at":"t"`;

test("readNotificationLine() reads a notification with every digit", () => {
  expect(readNotificationLine(`{"service":"notifier","message":"m",${NOTIFICATION}}`)).toEqual({
    order_id: 9007199254740993n,
    user_id: 1,
    seq: 2,
    status: "awaiting payment",
    at: "t",
  });
});

test("readNotificationLine() reads why an order ended", () => {
  expect(readNotificationLine(`{"message":"m",${NOTIFICATION},"reason":"buyer"}`))
    .toMatchObject({ reason: "buyer" });
});

test.each([
  "",
  "Segmentation fault",
  `{"message":"notifier is listening"}`,
  `{"message":"a dead letter","order_id":1}`,
  `{"message":"m",${NOTIFICATION}`,
])("readNotificationLine() returns undefined for %j", (line) => {
  expect(readNotificationLine(line)).toBeUndefined();
});
