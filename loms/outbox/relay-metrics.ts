import type { Metrics } from "../../shared/telemetry/metrics.ts";

/** Measures the batches of a relay, for its `onBatch`. */
export function relayMetrics(metrics: Metrics): (events: number, durationMs: number) => void {
  const sizes = metrics.histogram("outbox_relay_batch_events");
  const durations = metrics.histogram("outbox_relay_batch_duration_seconds");
  return (events, durationMs) => {
    sizes.observe(events);
    durations.observe(durationMs / 1000);
  };
}
