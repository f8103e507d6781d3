import { expect, test } from "vitest";
import { orderPageToken, readOrderPageToken } from "./order-page-token.ts";

const filter = { user: 7n, statuses: ["cancelled", "payed"] } as const;
const token = orderPageToken(42n, filter);

test.each([1n, 9_007_199_254_740_993n, 2n ** 63n - 1n])("a token keeps order %s", (orderId) => {
  expect(readOrderPageToken(orderPageToken(orderId, filter), filter)).toBe(orderId);
});

test("a token needs no escaping in a URL", () => {
  expect(token).toMatch(/^[A-Za-z0-9_-]{23}$/);
});

test.each([
  ["another user", { ...filter, user: 8n }],
  ["other statuses", { ...filter, statuses: ["payed"] as const }],
  ["every status", { ...filter, statuses: [] }],
])("a token is invalid for %s", (_, other) => {
  expect(readOrderPageToken(token, other)).toBeUndefined();
});

test("a token with a character changed, added or removed is invalid", () => {
  for (let at = 0; at < token.length; at++) {
    for (const character of "AB_=+ é") {
      const garbled = token.slice(0, at) + character + token.slice(at + 1);
      if (garbled !== token) expect(readOrderPageToken(garbled, filter), garbled).toBeUndefined();
    }
    const shorter = token.slice(0, at) + token.slice(at + 1);
    expect(readOrderPageToken(shorter, filter), shorter).toBeUndefined();
  }
  for (const garbled of ["", " ", "x", `${token}A`, `${token}=`, `${token}\n`]) {
    expect(readOrderPageToken(garbled, filter), garbled).toBeUndefined();
  }
});
