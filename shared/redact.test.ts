import { expect, test } from "vitest";
import { redacted, redactText } from "./redact.ts";

test.each([
  ["a field", { token: "hunter2", sku: 1 }, { token: "***", sku: 1 }],
  ["a field with a longer name", { PRODUCT_TOKEN: "hunter2" }, { PRODUCT_TOKEN: "***" }],
  ["a number", { secret: 4711, sku: 1 }, { secret: "***", sku: 1 }],
  ["a whole object", { cookie: { session: "hunter2" } }, { cookie: "***" }],
  ["a field further in", { a: [{ apiKey: "hunter2" }] }, { a: [{ apiKey: "***" }] }],
])("redacted() masks %s", (_, record: object, expected) => {
  expect(JSON.parse(redacted(record, JSON.stringify))).toEqual(expected);
});

test.each([
  `got {"token":"hunter2","sku":1}`,
  "cannot reach http://a:hunter2@host/x?api_key=hunter2",
  "cannot reach http://a:hun/hunter2@host",
  "Authorization: Basic hunter2=",
  String.raw`{"password":"a\"hunter2"}`,
])("redacted() masks inside an error's message and cause: %s", (message) => {
  const line = redacted({ error: { message, cause: { message } } }, JSON.stringify);
  expect(line).not.toContain("hunter2");
  expect(() => JSON.parse(line)).not.toThrow();
});

test("redacted() leaves a line without a secret as it was rendered", () => {
  const record = { message: "call", method: "orderCreate", url: "/user/{user_id}/cart" };
  expect(redacted(record, JSON.stringify)).toBe(JSON.stringify(record));
});

test.each([
  ["a URL's password", "at postgres://shop:hunter2@db/loms", "at postgres://shop:***@db/loms"],
  ["a password with @ and /", "postgres://shop:hun@t/er2@db/x", "postgres://shop:***@db/x"],
  ["a URL's token", "at https://hunter2@host/x", "at https://***@host/x"],
  ["a query", "GET /list?token=hunter2&count=1", "GET /list?token=***&count=1"],
  ["a header", "authorization: hunter2", "authorization: ***"],
  ["credentials", "sent Bearer hunter2.a-b", "sent Bearer ***"],
])("redactText() masks %s", (_, line, expected) => expect(redactText(line)).toBe(expected));

test.each([
  "the tokens ran out",
  "http://127.0.0.1:8082/user/{user_id}/cart",
  "http://host/list?mail=a@b",
  "postgres://postgres@127.0.0.1:15432/loms",
])("redactText() returns %s unchanged", (text) => expect(redactText(text)).toBe(text));
