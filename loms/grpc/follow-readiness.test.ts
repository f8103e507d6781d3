import { expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { followReadiness } from "./follow-readiness.ts";

test("followReadiness() reports the health of each part every second", async () => {
  const clock = new VirtualClock();
  const reported: string[] = [];
  const health = {
    set: (serving: boolean) => reported.push(`all ${serving}`),
    setPart: (part: string, serving: boolean) => reported.push(`${part} ${serving}`),
  };
  let unavailable = false;
  const checks = {
    database: () => Promise.resolve(),
    replica: () => unavailable ? Promise.reject(new Error("unavailable")) : Promise.resolve(),
  };
  const stop = followReadiness(health, checks, clock);
  await clock.advance(0);
  expect(reported.splice(0)).toEqual(["database true", "replica true", "all true"]);
  unavailable = true;
  await clock.advance(1_000);
  expect(reported.splice(0)).toEqual(["database true", "replica false", "all false"]);
  stop();
  await clock.advance(10_000);
  expect(reported).toEqual([]);
});
