import { expect, test } from "vitest";
import { readArguments } from "./arguments.ts";

const NAMES = ["B1", "B2", "B10"];

test("without arguments every bench runs for five rounds", () => {
  const whole = { isQuick: false, rounds: 5, benches: NAMES, out: undefined };
  expect(readArguments([], NAMES)).toEqual(whole);
});

test("benches are chosen by name in any case and run in the order of the table", () => {
  const chosen = readArguments(["b10", "B1", "--quick"], NAMES);
  expect(chosen).toMatchObject({ isQuick: true, rounds: 2, benches: ["B1", "B10"] });
});

test.each([
  [["B11"], "There is no bench B11: the benches are B1, B2, B10"],
  [["--rounds", "0"], "--rounds is 0, and must be from 1 to 100"],
  [["--rounds", "two"], "--rounds is two, and must be from 1 to 100"],
])("%s is refused by name", (given, message) => {
  expect(() => readArguments(given, NAMES)).toThrow(message);
});
