import { expect, test } from "vitest";
import { median, percentile, ratios, spreadOf } from "./statistics.ts";

test("spreadOf() takes the least, the middle and the greatest", () => {
  expect(spreadOf([3, 1, 10])).toEqual({ min: 1, median: 3, max: 10 });
  expect(median([1, 2, 4, 100])).toBe(3);
});

test("percentile() does not depend on the order of the values", () => {
  const values = Array.from({ length: 200 }, (_, index) => (index * 7) % 200);
  expect(percentile(values, 0.5)).toBe(100);
  expect(percentile(values, 0.99)).toBe(198);
  expect(percentile([], 0.5)).toBeNaN();
});

test("ratios() are of the same round, and leave out what the reference lacks", () => {
  expect(ratios([2, 9, 5], [1, 3])).toEqual([2, 3]);
});
