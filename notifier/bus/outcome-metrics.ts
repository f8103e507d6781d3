import type { Clock } from "../../shared/async/clock.ts";
import { counterFamily, histogramFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import type { HandleDeps } from "./handle-message.ts";

/** A change is shown 10 to 50 ms later; while the bus is unavailable that grows to minutes. */
const DELAY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export const NOTIFIER_NOTIFICATIONS_TOTAL = counterFamily({
  name: "notifier_notifications_total",
  help: "Order events: shown, stale (a repeat, or a newer one was shown) or dead (unreadable)",
  labels: ["result"],
});

export const NOTIFIER_DELAY_SECONDS = histogramFamily({
  name: "notifier_delay_seconds",
  help: "From a change of an order to its notification being shown, by the two hosts' clocks",
  labels: [],
  buckets: DELAY_BUCKETS,
});

/** Counts what becomes of each event, and how late it is shown. */
export function outcomeMetrics(
  metrics: Metrics,
  clock: Clock,
): NonNullable<HandleDeps["onOutcome"]> {
  const notifications = metrics.counter(NOTIFIER_NOTIFICATIONS_TOTAL);
  const delays = metrics.histogram(NOTIFIER_DELAY_SECONDS);
  // From the start, so that the first of a kind is seen as an increase.
  for (const result of ["shown", "stale", "dead"]) notifications.inc({ result }, 0);
  return (result, notification) => {
    notifications.inc({ result });
    if (result !== "shown" || !notification) return;
    // Clocks of two hosts may differ by more than an event takes.
    const delayMs = Math.max(0, clock.epochMs() - Date.parse(notification.at));
    delays.observe(delayMs / 1000);
  };
}
