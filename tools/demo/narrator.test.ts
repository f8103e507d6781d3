import { expect, test } from "vitest";
import { BrokenPromise, Narrator } from "./narrator.ts";

test("Narrator counts its steps and keeps the title of the last one", () => {
  const lines: string[] = [];
  const narrator = new Narrator((line) => lines.push(line));
  narrator.begin("Look");
  narrator.begin("Buy");
  expect(narrator.steps).toBe(2);
  expect(narrator.title).toBe("Buy");
  expect(lines).toEqual(["\n1. Look", "\n2. Buy"]);
});

test("Narrator.check() reports the actual and the expected value, also of bigints", () => {
  const narrator = new Narrator(() => {});
  narrator.check("the order", { id: 1n, items: [1] }, { id: 1n, items: [1] });
  expect(() => narrator.check("the order", { id: 1n }, { id: 2n })).toThrow(
    new BrokenPromise('the order is {"id":"1"}, expected was {"id":"2"}'),
  );
});
