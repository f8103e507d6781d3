import { expect, test, vi } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { Marker, type MarkerOptions } from "./marker.ts";
import type { EventRow } from "./outbox.ts";

const row = (id: bigint) => ({ id, traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-00` });

test("a publish that settled no event does not stop later marks", async () => {
  const clock = new VirtualClock();
  const run = vi.fn().mockResolvedValue([]);
  const marker = new Marker({
    ...{ clock, relayId: "relay", onError: () => {} },
    outbox: { mark: {} } as MarkerOptions["outbox"],
    marks: { run },
    queue: { marked: () => {} },
  });
  marker.add([]);
  await clock.advance(1_000);
  marker.add([row(7n) as EventRow]);
  await clock.advance(1_000);
  expect(run.mock.calls.map(([, parameters]) => parameters)).toEqual([["relay", [7n], false]]);
});
