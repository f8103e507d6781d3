import type { Clock } from "../../shared/async/clock.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { HandleDeps } from "./handle-message.ts";

/** Counts what becomes of each event, and how late it is shown. */
export function outcomeMetrics(
  metrics: Metrics,
  clock: Clock,
): NonNullable<HandleDeps["onOutcome"]> {
  const notifications = metrics.counter("notifier_notifications_total");
  const delays = metrics.histogram("notifier_delay_seconds");
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
