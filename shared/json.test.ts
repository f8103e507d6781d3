import { expect, test } from "vitest";
import { JSON_DEPTH_MAX, jsonInteger, jsonIntegers, parseJsonBody } from "./json.ts";

const parse = (text: string) => parseJsonBody(new TextEncoder().encode(text));

function violation(text: string): string | undefined {
  try {
    parse(text);
  } catch (error) {
    return (error as { fields?: { message: string }[] }).fields?.[0]?.message;
  }
  return undefined;
}

test("parseJsonBody() keeps every digit of an integer", () => {
  expect(parse("[0, -7, 9007199254740991, 9007199254740993, 18446744073709551615]"))
    .toEqual([0, -7, 9_007_199_254_740_991, 9_007_199_254_740_993n, 18_446_744_073_709_551_615n]);
});

test("parseJsonBody() returns an object for a number that is not plain digits", () => {
  for (const text of ["1.0", "1e0", "1E2", "-0", "0.5", "1".repeat(400)]) {
    const value = parse(text);
    expect(typeof value).toBe("object");
    expect(JSON.stringify(value)).toBe(text);
  }
});

test("parseJsonBody() refuses a duplicate key at any depth, in every spelling", () => {
  for (
    const text of [
      `{"a":1,"a":2}`,
      `{"a":1,"a":1}`,
      `{"a":1,"\\u0061":1}`,
      `{"a" : 1, "b": {"a": 1}, "a"\n:1}`,
    ]
  ) {
    expect(violation(text), text).toBe(`has the key "a" twice`);
  }
  expect(violation(`[{"x":[{"b":1,"c":2,"b":3}]}]`)).toBe(`has the key "b" twice`);
  expect(violation(`{"__proto__":1,"__proto__":1}`)).toBe(`has the key "__proto__" twice`);
  for (const repeated of [0, 15, 16, 17, 38]) {
    const keys = Array.from({ length: 40 }, (_, at) => `"k${at === 39 ? repeated : at}":0`);
    expect(violation(`{${keys.join()}}`)).toBe(`has the key "k${repeated}" twice`);
  }
});

test("parseJsonBody() accepts one key in different objects, and as a value", () => {
  const text = `[{"a":"a","b":["a","a"]},{"a":{"a":"{\\"a\\":1,"}}]`;
  expect(parse(text)).toEqual(JSON.parse(text));
});

test("parseJsonBody() makes __proto__ an own property", () => {
  const value = parse(`{"__proto__":{"polluted":1}}`) as object;
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(Object.keys(value)).toEqual(["__proto__"]);
});

test("parseJsonBody() refuses too many levels without a stack overflow", () => {
  const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  expect(violation(nested(JSON_DEPTH_MAX))).toBeUndefined();
  expect(violation(nested(JSON_DEPTH_MAX + 1))).toMatch("nested more than 32 levels");
  expect(violation("[".repeat(60_000))).toMatch("nested");
  expect(violation(`{"a":`.repeat(10_000))).toMatch("nested");
});

test("parseJsonBody() refuses text that is not JSON", () => {
  for (
    const text of [
      "",
      " ",
      "{",
      "{'a':1}",
      "{a:1}",
      `{"a":1,}`,
      "01",
      "+1",
      "NaN",
      `"\\x"`,
      `"`,
      `{"\\`,
      `"a" "b"`,
      `{"a\\":1}`,
    ]
  ) expect(violation(text), text).toBe("must be JSON");
});

test("parseJsonBody() refuses bytes that are not UTF-8", () => {
  expect(() => parseJsonBody(Uint8Array.of(0x22, 0xff, 0x22))).toThrow("must be UTF-8");
  expect(() => parseJsonBody(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toThrow("UTF-8");
});

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
