import { expect, test } from "vitest";
import type { Finding } from "../invariants/finding.ts";
import { describeVerdict, holds, judge } from "./verdict.ts";

const GOOD = { acknowledged: 5, lost: [], doubled: [], strange: [] };
const finding = (invariant: string, ...violations: string[]): Finding => ({
  ...{ invariant, checked: 1, of: "things", violations },
});

test("a run without violations ends in one line", () => {
  const verdict = judge(GOOD, [finding("stock"), finding("reported")], 3);
  expect(holds(verdict)).toBe(true);
  expect(describeVerdict(verdict))
    .toBe("crash-test: 5 acknowledged, 3 kills, 0 lost, 0 doubled, 0 invariants broken");
});

test("the summary counts lost orders, duplicates and broken invariants", () => {
  const verdict = judge(
    { ...GOOD, strange: ["an add was answered 500"] },
    [
      finding("acknowledged on replica 1", "order 1 is gone"),
      finding("orders on replica 1", "order 2 is gone"),
      finding("reported", "user 1 has orders 3, 4"),
      finding("stock", "sku 1 is off", "sku 2 is off"),
    ],
    1,
  );
  expect(holds(verdict)).toBe(false);
  expect(describeVerdict(verdict).split("\n")).toEqual([
    "lost: acknowledged on replica 1: order 1 is gone",
    "lost: orders on replica 1: order 2 is gone",
    "doubled: reported: user 1 has orders 3, 4",
    "broken: an add was answered 500",
    "broken: stock: sku 1 is off",
    "broken: stock: sku 2 is off",
    "crash-test: 5 acknowledged, 1 kills, 2 lost, 1 doubled, 3 invariants broken",
  ]);
});
