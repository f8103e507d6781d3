import { expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import { type IncomingMessage, UnreadableMessageError } from "../../shared/bus/bus.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { readSamples } from "../../shared/telemetry/test-samples.ts";
import { handleMessage } from "./handle-message.ts";
import { outcomeMetrics } from "./outcome-metrics.ts";

const LATE_MS = 250;

test("events are counted as shown, stale or dead, and how late they are shown is measured", async () => {
  const clock = new VirtualClock();
  const metrics = new Metrics("notifier");
  let last = 0;
  const lastShown = {
    lastSeq: () => Promise.resolve(last),
    remember: ({ seq }: { seq: number }) => {
      last = seq;
      return Promise.resolve();
    },
    knowsBeginningOf: () => Promise.resolve(true),
    noteDead: () => Promise.resolve(),
    deadSeqs: () => Promise.resolve([]),
    forgetFinal: () => Promise.resolve(0),
  };
  const sink = { show: () => Promise.resolve() };
  const handle = handleMessage(
    { lastShown, sink, onSkipped: () => {}, onOutcome: outcomeMetrics(metrics, clock) },
    clock,
  );
  const event = (value: unknown) =>
    ({ key: "7", value: JSON.stringify(value), headers: {}, attempt: 1 }) as IncomingMessage;
  const good = {
    id: "7-1",
    order_id: 7,
    user_id: 1,
    seq: 1,
    status: "new",
    at: new Date(clock.epochMs() - LATE_MS).toISOString(),
  };
  await handle(event(good));
  await handle(event(good));
  await expect(handle(event({}))).rejects.toThrow(UnreadableMessageError);

  const samples = readSamples(await metrics.text());
  const counted = (result: string) =>
    samples.get(`notifier_notifications_total{result="${result}"}`);
  expect(["shown", "stale", "dead"].map(counted)).toEqual([1, 1, 1]);
  expect(samples.get("notifier_delay_seconds_count")).toBe(1);
  expect(samples.get("notifier_delay_seconds_sum")).toBeCloseTo(LATE_MS / 1000);
});
