import { expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import { followReadiness } from "./follow-readiness.ts";

test("followReadiness() tells every second which parts can serve, until it is stopped", async () => {
  const clock = new VirtualClock();
  const told: string[] = [];
  const health = {
    set: (serving: boolean) => told.push(`all ${serving}`),
    setPart: (part: string, serving: boolean) => told.push(`${part} ${serving}`),
  };
  let away = false;
  const checks = {
    database: () => Promise.resolve(),
    replica: () => away ? Promise.reject(new Error("away")) : Promise.resolve(),
  };
  const stop = followReadiness(health, checks, clock);
  await clock.advance(0);
  expect(told.splice(0)).toEqual(["database true", "replica true", "all true"]);
  away = true;
  await clock.advance(1_000);
  expect(told.splice(0)).toEqual(["database true", "replica false", "all false"]);
  stop();
  await clock.advance(10_000);
  expect(told).toEqual([]);
});
