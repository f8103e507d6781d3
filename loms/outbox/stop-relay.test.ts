import { expect, test, vi } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import type { Relay, RelayStep } from "./relay.ts";
import { stopRelay } from "./stop-relay.ts";

function relayReturning(...steps: RelayStep[]) {
  return {
    close: vi.fn<Relay["close"]>(() => Promise.resolve()),
    step: vi.fn<Relay["step"]>(() => Promise.resolve(steps.shift() ?? { kind: "drained" })),
  };
}

test("stopRelay() ends the loop, then publishes until nothing is left", async () => {
  const relay = relayReturning(
    { kind: "published", events: 500, drained: false },
    { kind: "published", events: 3, drained: true },
    { kind: "published", events: 9, drained: true },
  );
  await stopRelay(relay, new VirtualClock());
  expect(relay.step).toHaveBeenCalledTimes(2);
  expect(relay.close.mock.invocationCallOrder[0])
    .toBeLessThan(relay.step.mock.invocationCallOrder[0] as number);
});

test("stopRelay() leaves the rest to a relay of another process", async () => {
  const relay = relayReturning({ kind: "elsewhere" });
  await stopRelay(relay, new VirtualClock());
  expect(relay.step).toHaveBeenCalledOnce();
});

test("stopRelay() resolves if the bus is unavailable", async () => {
  const relay = relayReturning();
  relay.step.mockRejectedValue(new Error("unavailable"));
  await expect(stopRelay(relay, new VirtualClock())).resolves.toBeUndefined();
});

test("stopRelay() waits at most 3 s for a bus that hangs", async () => {
  const clock = new VirtualClock();
  const relay = relayReturning();
  relay.close.mockReturnValue(new Promise(() => {}));
  const stopped = vi.fn();
  const stop = stopRelay(relay, clock).then(stopped);
  await clock.advance(2_999);
  expect(stopped).not.toHaveBeenCalled();
  await clock.advance(1);
  await stop;
});
