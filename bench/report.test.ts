import { expect, test } from "vitest";
import { CloseStack } from "../shared/lifecycle.ts";
import { type Bench, type Goal, Lab } from "./lab.ts";
import { goalTable, shown, verdict } from "./report.ts";

const RATE: Goal = { bench: "B1", what: "orders", reference: "pgbench", atLeast: 2, unit: "x" };
const P99: Goal = { bench: "B1", what: "p99", atMost: 100, unit: "ms" };
const STATED: Goal = { bench: "B1", what: "whole", unit: "/s" };

function lab(): Lab {
  return new Lab({ isQuick: true, rounds: 2, opened: new CloseStack(), say() {} });
}

test("the median decides whether a goal is reached", () => {
  expect(verdict(RATE, [1.5, 2, 9])).toBe("reached");
  expect(verdict(RATE, [1.5, 1.9, 9])).toBe("missed");
  expect(verdict(P99, [90, 101, 200])).toBe("missed");
  expect(verdict(STATED, [1])).toBe("");
});

test("a figure is shown as min–median–max", () => {
  expect(shown([1.234, 0.5, 1_234.5])).toBe("0.50–**1.23**–1235");
  expect(shown([12.34])).toBe("12.3");
});

test("the table has all of its lines, whatever a bench reported", () => {
  const bench: Bench = {
    name: "B1",
    title: "orders",
    goals: [RATE, P99, STATED],
    run: () => Promise.resolve(),
  };
  const reported = lab();
  reported.record(RATE, [2, 3, 4], "a note");
  reported.lacks(P99, "pgbench is not installed");
  const lines = goalTable([{ bench, lab: reported, seconds: 1, failure: "it ended" }])
    .split("\n").slice(2).map((line) => line.split("|").map((cell) => cell.trim()).slice(1, -1));
  expect(lines).toEqual([
    ["B1", "orders", "pgbench", "≥ 2 x", "2.00–**3.00**–4.00 x", "reached", "a note"],
    ["B1", "p99", "", "≤ 100 ms", "not measured", "", "pgbench is not installed"],
    ["B1", "whole", "", "stated", "not measured", "", "it ended"],
  ]);
});
