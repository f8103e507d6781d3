import { expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { readSamples } from "../../shared/telemetry/samples.ts";
import { readNotificationLine } from "../../tools/notifications.ts";
import type { Notification } from "../domain/deps.ts";
import { outcomeMetrics, skippedEvents } from "./event-metrics.ts";

const LATE_MS = 250;

test("outcomeMetrics() counts events by outcome and measures the delay of shown ones", async () => {
  const clock = new VirtualClock();
  const metrics = new Metrics("notifier");
  const onOutcome = outcomeMetrics(metrics, clock);
  const at = new Date(clock.epochMs() - LATE_MS).toISOString();
  const notification: Notification = {
    ...{ orderId: 7n, userId: 1n, status: "new", seq: 1, at, refusedSeqs: [], traceparent: "" },
  };
  onOutcome("shown", notification);
  onOutcome("stale", notification);
  onOutcome("dead");

  const samples = readSamples(await metrics.text());
  const counted = (result: string) =>
    samples.get(`notifier_notifications_total{result="${result}"}`);
  expect(["shown", "stale", "dead"].map(counted)).toEqual([1, 1, 1]);
  expect(samples.get("notifier_delay_seconds_count")).toBe(1);
  expect(samples.get("notifier_delay_seconds_sum")).toBeCloseTo(LATE_MS / 1000);
});

test("skippedEvents() counts every skipped event and logs one gap in half a minute", async () => {
  const clock = new VirtualClock();
  const metrics = new Metrics("notifier");
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  const log = createLogger({ service: "notifier", level: "info", format: "json", write });
  const onSkipped = skippedEvents(metrics, log, clock);
  const gap = { orderId: 9223372036854775807n, lastSeq: 1, nextSeq: 4, count: 2 };
  const counted = async () =>
    readSamples(await metrics.text()).get("notifier_skipped_events_total");
  expect(await counted()).toBe(0);
  onSkipped(gap);
  onSkipped({ ...gap, orderId: 8n });
  expect(await counted()).toBe(4);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(
    '"order_id":9223372036854775807,"last_seq":1,"next_seq":4,"skipped":2',
  );
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    level: "error",
    remedy: expect.stringContaining("npm run events -- replay"),
  });
  expect(readNotificationLine(lines[0] ?? ""), "it is not a notification").toBeUndefined();
  await clock.advance(30_000);
  onSkipped(gap);
  expect(lines).toHaveLength(2);
});
