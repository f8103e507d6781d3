import { expect, test } from "vitest";
import { Random } from "./random.ts";
import { accidents, VICTIMS } from "./victims.ts";

test("accidents() kills everything once before anything twice, as the seed says", () => {
  const first = accidents(new Random(5)).take(VICTIMS.length).map(({ victim }) => victim).toArray();
  expect(first.toSorted()).toEqual(VICTIMS.toSorted());
  const again = accidents(new Random(5)).take(3).toArray();
  expect(accidents(new Random(5)).take(3).toArray()).toEqual(again);
});
