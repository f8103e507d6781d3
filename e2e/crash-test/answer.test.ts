import { expect, test } from "vitest";
import { readAnswer } from "./answer.ts";

test.each([
  [200, { order_id: 7 }, { kind: "done", orderId: 7n }],
  [200, { orderID: 9007199254740993n }, { kind: "done", orderId: 9007199254740993n }],
  [204, {}, { kind: "done", orderId: undefined }],
  [412, { order_id: 7 }, { kind: "refused", status: 412, orderId: 7n }],
  [404, {}, { kind: "refused", status: 404, orderId: undefined }],
  [503, { detail: "away" }, { kind: "unknown", why: "503 away" }],
  [504, {}, { kind: "unknown", why: "504 " }],
  [429, {}, { kind: "unknown", why: "429 " }],
  [500, { detail: "internal error" }, { kind: "strange", why: "500 internal error" }],
  [400, {}, { kind: "strange", why: "400 " }],
])("readAnswer() returns the outcome of %i %o", (status, body, answer) => {
  expect(readAnswer(status, body)).toEqual(answer);
});
