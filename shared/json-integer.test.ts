import { expect, test } from "vitest";
import { jsonInteger, jsonIntegers } from "./json-integer.ts";

test.each([
  0n,
  1n,
  -1n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
])("%s keeps every digit in JSON", (value) => {
  expect(JSON.stringify({ id: jsonInteger(value) })).toBe(`{"id":${value}}`);
  expect(JSON.stringify({ id: value }, jsonIntegers)).toBe(`{"id":${value}}`);
});
