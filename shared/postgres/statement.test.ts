import { expect, test } from "vitest";
import { decodeInt8Array, encodeParameter } from "./statement.ts";

test("encodeParameter() writes arrays as PostgreSQL reads them", () => {
  expect(encodeParameter([])).toBe("{}");
  expect(encodeParameter([1, 2n ** 63n - 1n, -(2n ** 63n)])).toBe(
    "{1,9223372036854775807,-9223372036854775808}",
  );
  expect(encodeParameter(["", "null", null, 'a"b', "a\\b", "{,}"])).toBe(
    '{"","null",null,"a\\"b","a\\\\b","{,}"}',
  );
});

test("decodeInt8Array() keeps every digit", () => {
  expect(decodeInt8Array("{}")).toEqual([]);
  expect(decodeInt8Array("{1,-9223372036854775808}")).toEqual([1n, -(2n ** 63n)]);
});
