import { expect, test } from "vitest";
import { UsageError } from "../tool.ts";
import { readArguments } from "./command.ts";

const session = { user: 7n, order: 5n, total: 44n };

test("readArguments() reads numbers in order, with every digit", () => {
  expect(readArguments("add", ["user", "sku", "count?"], ["9007199254740993", "2", "3"]))
    .toMatchObject({ user: 9_007_199_254_740_993n, sku: 2n, count: 3n });
  expect(readArguments("add", ["user", "sku", "count?"], ["1", "2"])).toMatchObject({ count: 1n });
});

test("readArguments() takes no total that was not shown", () => {
  const unseen = { ...session, total: undefined };
  expect(readArguments("checkout", ["user", "total?"], [], unseen).total).toBeUndefined();
  expect(readArguments("checkout", ["user", "total?"], ["1"]).total).toBeUndefined();
});

test("readArguments() takes the user and a missing order from the session", () => {
  expect(readArguments("add", ["user", "sku"], ["2"], session)).toMatchObject({
    user: 7n,
    sku: 2n,
  });
  expect(readArguments("pay", ["order"], [], session)).toMatchObject({ order: 5n });
  expect(readArguments("pay", ["order"], ["6"], session)).toMatchObject({ order: 6n });
  expect(readArguments("checkout", ["user", "total?"], [], session)).toMatchObject({ total: 44n });
  expect(readArguments("checkout", ["user", "total?"], ["0"], session))
    .toMatchObject({ total: 0n });
});

test.each([
  [["1"], "add lacks SKU"],
  [["1", "shoe"], `SKU is a whole number from 0, not "shoe"`],
  [["1", "-2"], `SKU is a whole number from 0, not "-2"`],
  [["1", "+2"], `SKU is a whole number from 0, not "+2"`],
  [["1", "02"], `SKU is a whole number from 0, not "02"`],
  [["1", "2", "3", "4"], `add takes no "4"`],
])("readArguments() refuses %j: %s", (words, message) => {
  const read = () => readArguments("add", ["user", "sku", "count?"], words);
  expect(read).toThrow(UsageError);
  expect(read).toThrow(message);
});
