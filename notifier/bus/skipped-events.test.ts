import { expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { readSamples } from "../../shared/telemetry/test-samples.ts";
import { readNotificationLine } from "../../tools/notification-line.ts";
import { skippedEvents } from "./skipped-events.ts";

test("every skipped event is counted, and the first gap of half a minute is logged", async () => {
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
  expect(readNotificationLine(lines[0] ?? ""), "it is no notification").toBeUndefined();
  await clock.advance(30_000);
  onSkipped(gap);
  expect(lines).toHaveLength(2);
});
