import { expect, test } from "vitest";
import { Random } from "./random.ts";

const numbers = (random: Random) => Array.from({ length: 50 }, () => random.integer(1, 6));

test("Random makes the same choices for the same seed, and others for another", () => {
  expect(numbers(new Random(7))).toEqual(numbers(new Random(7)));
  expect(numbers(new Random(7))).not.toEqual(numbers(new Random(8)));
});

test("integer() returns both ends and nothing beyond", () => {
  expect(new Set(numbers(new Random(1)))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
});

test("shuffled() keeps every item once", () => {
  const items = ["a", "b", "c", "d"];
  const orders = Array.from({ length: 20 }, (_, seed) => new Random(seed).shuffled(items));
  for (const order of orders) expect(order.toSorted()).toEqual(items);
  expect(new Set(orders.map(String)).size).toBeGreaterThan(5);
});

test("fork() returns independent choices for each number", () => {
  const random = new Random(3);
  const [one, other] = [random.fork(1), random.fork(2)];
  expect(numbers(one)).not.toEqual(numbers(other));
  expect(numbers(new Random(3).fork(2))).toEqual(numbers(new Random(3).fork(2)));
});
