import type { Clock } from "../../shared/async/clock.ts";
import type { Logger } from "../../shared/telemetry/log.ts";
import { counterFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import type { Deps } from "../domain/deps.ts";

export const NOTIFIER_SKIPPED_EVENTS_TOTAL = counterFamily({
  name: "notifier_skipped_events_total",
  help: "Order events that should have come before one that was shown, and did not",
  labels: [],
});

/** A topic that was made again leaves thousands of gaps at once; one line in this time says enough. */
const REPEAT_MS = 30_000;

/** Counts every event that was skipped, and logs the first gap of each half minute. */
export function skippedEvents(metrics: Metrics, log: Logger, clock: Clock): Deps["onSkipped"] {
  const skipped = metrics.counter(NOTIFIER_SKIPPED_EVENTS_TOTAL);
  let loggedAt = -Infinity;
  return ({ orderId, lastSeq, nextSeq, count }) => {
    skipped.inc(count);
    if (clock.now() - loggedAt < REPEAT_MS) return;
    loggedAt = clock.now();
    log.error("order events were skipped: the topic may have been deleted and made again", {
      order_id: orderId,
      last_seq: lastSeq,
      next_seq: nextSeq,
      skipped: count,
      remedy: "npm run events -- replay --since TIME; see docs/runbook.md#eventsskipped",
    });
  };
}
