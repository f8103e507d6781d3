import { expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import { followReadiness } from "./follow-readiness.ts";

test("followReadiness() tells every second whether the check passes, until it is stopped", async () => {
  const clock = new VirtualClock();
  const told: boolean[] = [];
  let away = false;
  const check = () => away ? Promise.reject(new Error("away")) : Promise.resolve();
  const stop = followReadiness({ set: (serving) => told.push(serving) }, check, clock);
  await clock.advance(0);
  expect(told).toEqual([true]);
  away = true;
  await clock.advance(1_000);
  expect(told).toEqual([true, false]);
  stop();
  await clock.advance(10_000);
  expect(told).toEqual([true, false]);
});
