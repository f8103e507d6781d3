import type { Clock } from "../../shared/async/request-context.ts";
import type { Logger } from "../../shared/telemetry/log.ts";
import { counterFamily, histogramFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import { throttledLog } from "../../shared/telemetry/throttled-log.ts";
import type { HandleDeps } from "./handle-messages.ts";

/** A change is shown 10 to 50 ms later, and up to minutes later after an outage of the bus. */
const DELAY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export const NOTIFIER_NOTIFICATIONS_TOTAL = counterFamily({
  name: "notifier_notifications_total",
  help: "Order events: shown, stale (not newer than the last one shown) or dead (unreadable)",
  labels: ["result"],
});

export const NOTIFIER_DELAY_SECONDS = histogramFamily({
  name: "notifier_delay_seconds",
  help: "Time from a change of an order to its notification, by the clocks of both hosts",
  buckets: DELAY_BUCKETS,
});

export const NOTIFIER_SKIPPED_EVENTS_TOTAL = counterFamily({
  name: "notifier_skipped_events_total",
  help: "Order events missing before an event that was shown",
});

/** Counts the outcome of each event, and measures its delay when it is shown. */
export function outcomeMetrics(
  metrics: Metrics,
  clock: Clock,
): NonNullable<HandleDeps["onOutcome"]> {
  const notifications = metrics.counter(NOTIFIER_NOTIFICATIONS_TOTAL);
  const delays = metrics.histogram(NOTIFIER_DELAY_SECONDS);
  // Zeros make the first event of each kind visible as an increase.
  for (const result of ["shown", "stale", "dead"]) notifications.inc({ result }, 0);
  return (result, notification) => {
    notifications.inc({ result });
    if (result !== "shown" || !notification) return;
    // The clocks of two hosts may differ by more than the delay.
    const delayMs = Math.max(0, clock.epochMs() - Date.parse(notification.at));
    delays.observe(delayMs / 1000);
  };
}

/** Counts skipped events, and logs a gap, throttled: a recreated topic leaves thousands at once. */
export function skippedEvents(
  metrics: Metrics,
  log: Logger,
  clock: Clock,
): HandleDeps["onSkipped"] {
  const skipped = metrics.counter(NOTIFIER_SKIPPED_EVENTS_TOTAL);
  const logThrottled = throttledLog(log, clock);
  return ({ orderId, lastSeq, nextSeq, count }) => {
    skipped.inc(count);
    const what = "order events were skipped: the topic may have been deleted and recreated";
    logThrottled("error", what, undefined, {
      order_id: orderId,
      last_seq: lastSeq,
      next_seq: nextSeq,
      skipped: count,
      remedy: "npm run events -- replay --since TIME; see docs/runbook.md#eventsskipped",
    });
  };
}
