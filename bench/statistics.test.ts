import { expect, test } from "vitest";
import { median, percentile, ratios, spreadOf } from "./statistics.ts";

test("spreadOf() returns the minimum, the median and the maximum", () => {
  expect(spreadOf([3, 1, 10])).toEqual({ min: 1, median: 3, max: 10 });
  expect(median([1, 2, 4, 100])).toBe(3);
});

test("percentile() does not depend on the order of the values", () => {
  const values = Array.from({ length: 200 }, (_, index) => (index * 7) % 200);
  expect(percentile(values, 0.5)).toBe(100);
  expect(percentile(values, 0.99)).toBe(198);
  expect(percentile([], 0.5)).toBeNaN();
});

test("ratios() compares figures of one round, and omits those that the reference lacks", () => {
  expect(ratios([2, 9, 5], [1, 3])).toEqual([2, 3]);
});
