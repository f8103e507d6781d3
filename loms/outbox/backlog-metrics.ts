import { RequestContext } from "../../shared/async/request-context.ts";
import { gaugeFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import { childTraceparent } from "../../shared/telemetry/traceparent.ts";
import type { OutboxBacklog } from "./backlog.ts";

export const OUTBOX_BACKLOG_EVENTS = gaugeFamily({
  name: "outbox_backlog_events",
  help: "Order events that wait to be published; absent while the database cannot tell",
  labels: [],
});

export const OUTBOX_OLDEST_AGE_SECONDS = gaugeFamily({
  name: "outbox_oldest_age_seconds",
  help: "Age of the oldest order event that waits; absent while the database cannot tell",
  labels: [],
});

export const OUTBOX_REFUSED_EVENTS = gaugeFamily({
  name: "outbox_refused_events",
  help: "Order events that the bus refused for good; absent while the database cannot tell",
  labels: [],
});

/** A scrape has 10 s at most, and the other metrics wait for this one. */
const READ_TIMEOUT_MS = 1_000;

/** Reads the backlog at each scrape; scrapes at one time share one reading. */
export function watchBacklog(
  read: (context: RequestContext) => Promise<OutboxBacklog>,
  metrics: Metrics,
): void {
  const events = metrics.gauge(OUTBOX_BACKLOG_EVENTS);
  const oldestAge = metrics.gauge(OUTBOX_OLDEST_AGE_SECONDS);
  const refused = metrics.gauge(OUTBOX_REFUSED_EVENTS);
  const update = async () => {
    const traceparent = childTraceparent(undefined);
    const context = new RequestContext({ traceparent, timeoutMs: READ_TIMEOUT_MS });
    try {
      const backlog = await read(context);
      events.set(backlog.events);
      oldestAge.set(backlog.oldestAgeSeconds);
      refused.set(backlog.refused);
    } catch {
      // An old number would pass for a new one.
      events.remove();
      oldestAge.remove();
      refused.remove();
    } finally {
      context.close();
    }
  };
  let underWay: Promise<void> | undefined;
  metrics.beforeScrape(() => underWay ??= update().finally(() => underWay = undefined));
}
