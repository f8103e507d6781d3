import {
  BATCH_BUCKETS,
  DURATION_BUCKETS,
  histogramFamily,
  type Metrics,
} from "../../shared/telemetry/metrics.ts";

export const OUTBOX_RELAY_BATCH_EVENTS = histogramFamily({
  name: "outbox_relay_batch_events",
  help: "Order events in one batch of the relay",
  buckets: BATCH_BUCKETS,
});

export const OUTBOX_RELAY_BATCH_DURATION_SECONDS = histogramFamily({
  name: "outbox_relay_batch_duration_seconds",
  help: "Duration of publishing one batch",
  buckets: DURATION_BUCKETS,
});

/** Measures the relay's batches of order events, as its `onBatch`. */
export function relayMetrics(metrics: Metrics): (events: number, durationMs: number) => void {
  const sizes = metrics.histogram(OUTBOX_RELAY_BATCH_EVENTS);
  const durations = metrics.histogram(OUTBOX_RELAY_BATCH_DURATION_SECONDS);
  return (events, durationMs) => {
    sizes.observe(events);
    durations.observe(durationMs / 1000);
  };
}
