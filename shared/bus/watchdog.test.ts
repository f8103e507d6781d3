import { expect, test, vi } from "vitest";
import { VirtualClock } from "../async/test/virtual-clock.ts";
import { Watchdog } from "./watchdog.ts";

const LIMITS = { silenceMaxMs: 60_000, handlerMaxMs: 120_000, everyMs: 5_000 };

function openWatchdog() {
  const clock = new VirtualClock();
  let isDown = false;
  const onStuck = vi.fn<(error: Error) => void>();
  const probe = vi.fn(() => isDown ? Promise.reject(new Error("down")) : Promise.resolve());
  const watchdog = new Watchdog({ clock, limits: LIMITS, probe, onStuck });
  watchdog.start();
  return {
    clock,
    watchdog,
    onStuck,
    goDown: () => isDown = true,
    comeBack: () => isDown = false,
    /** Advances the clock while the process runs normally. */
    async pass(ms: number, each: () => void = () => {}) {
      for (let passed = 0; passed < ms; passed += LIMITS.everyMs) {
        await clock.advance(LIMITS.everyMs);
        each();
      }
    },
  };
}

test("silence while the bus answers is reported, once", async () => {
  const { pass, onStuck } = openWatchdog();
  await pass(60_000);
  expect(onStuck).not.toHaveBeenCalled();
  await pass(60_000);
  expect(onStuck).toHaveBeenCalledTimes(1);
  expect(onStuck.mock.calls[0]?.[0].message).toMatch(/no sign of life for 6\d s/);
});

test("signs of life keep a consumer running", async () => {
  const { pass, watchdog, onStuck } = openWatchdog();
  await pass(600_000, () => watchdog.sign());
  expect(onStuck).not.toHaveBeenCalled();
});

test("silence during an outage does not count, and the time restarts after it", async () => {
  const { pass, onStuck, goDown, comeBack } = openWatchdog();
  goDown();
  await pass(600_000);
  comeBack();
  await pass(30_000);
  expect(onStuck).not.toHaveBeenCalled();
  await pass(60_000);
  expect(onStuck).toHaveBeenCalledTimes(1);
});

test("only a handler that never ends is reported", async () => {
  const { pass, watchdog, onStuck } = openWatchdog();
  await watchdog.handle(() => Promise.resolve());
  await expect(watchdog.handle(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await pass(200_000, () => watchdog.sign());
  expect(onStuck).not.toHaveBeenCalled();
  void watchdog.handle(() => new Promise(() => {}));
  await pass(120_000, () => watchdog.sign());
  expect(onStuck).not.toHaveBeenCalled();
  await pass(10_000, () => watchdog.sign());
  expect(onStuck.mock.calls[0]?.[0].message).toMatch(/processing messages for 12\d s/);
});

test("a suspended process is not reported as a hanging consumer", async () => {
  const { clock, pass, watchdog, onStuck } = openWatchdog();
  void watchdog.handle(() => new Promise(() => {}));
  await pass(5_000);
  clock.stall(600_000);
  await pass(50_000);
  expect(onStuck).not.toHaveBeenCalled();
});

test("after close() nothing is reported", async () => {
  const { pass, watchdog, onStuck } = openWatchdog();
  watchdog.close();
  await pass(600_000);
  expect(onStuck).not.toHaveBeenCalled();
});
