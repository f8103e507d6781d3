import { expect, test } from "vitest";
import { systemClock } from "./clock.ts";

test("a timer longer than the runtime can wait does not fire at once", async () => {
  let hasFired = false;
  const cancel = systemClock.setTimer(2 ** 31, () => void (hasFired = true));
  const turn = Promise.withResolvers<void>();
  systemClock.setTimer(5, turn.resolve);
  await turn.promise;
  cancel();
  expect(hasFired).toBe(false);
});
