import { expect, test } from "vitest";
import { Random } from "./random.ts";
import { accidents } from "./victims.ts";

const VICTIMS = ["cart", "loms", "primary"];

test("accidents() kills everything once before anything twice, in an order from the seed", () => {
  const make = () => accidents(new Random(5), VICTIMS);
  const first = make().take(VICTIMS.length).map(({ victim }) => victim).toArray();
  expect(first.toSorted()).toEqual(VICTIMS.toSorted());
  expect(make().take(6).toArray()).toEqual(make().take(6).toArray());
});
