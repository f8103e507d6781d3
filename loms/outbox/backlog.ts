import type { RequestContext } from "../../shared/async/request-context.ts";
import type { StatementRunner } from "../../shared/postgres/statement.ts";
import { gaugeFamily, type MetricFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import type { Outbox } from "./outbox.ts";

export const OUTBOX_BACKLOG_EVENTS = gaugeFamily({
  name: "outbox_backlog_events",
  help: "Unpublished order events; absent while the database does not answer",
  labels: [],
});

export const OUTBOX_OLDEST_AGE_SECONDS = gaugeFamily({
  name: "outbox_oldest_age_seconds",
  help: "Age of the oldest unpublished order event; absent while the database does not answer",
  labels: [],
});

export const OUTBOX_REFUSED_EVENTS = gaugeFamily({
  name: "outbox_refused_events",
  help: "Order events that the bus refused permanently; absent while the database does not answer",
  labels: [],
});

/** The metrics of an outbox. */
export interface BacklogFamilies {
  readonly events: MetricFamily<"gauge", never>;
  readonly oldestAge: MetricFamily<"gauge", never>;
  readonly refused: MetricFamily<"gauge", never>;
}

/** The metrics of the outbox of order events. */
export const ORDER_BACKLOG: BacklogFamilies = {
  events: OUTBOX_BACKLOG_EVENTS,
  oldestAge: OUTBOX_OLDEST_AGE_SECONDS,
  refused: OUTBOX_REFUSED_EVENTS,
};

/** A scrape takes at most 10 s, and the other metrics wait for this query. */
const READ_TIMEOUT_MS = 1_000;

export interface OutboxBacklog {
  /** The number of unpublished events. */
  readonly events: number;
  /** The age of the oldest of them in seconds; 0 if there is none. */
  readonly oldestAgeSeconds: number;
  /** The number of events that the bus refused; an operator must act. */
  readonly refused: number;
}

/** Its cost grows with the backlog, so it is for scrapes, not for requests. */
export async function outboxBacklog(
  outbox: Pick<Outbox, "backlog">,
  pool: StatementRunner,
  context: RequestContext,
): Promise<OutboxBacklog> {
  const [row] = await pool.run(outbox.backlog, [], context);
  return {
    events: Number(row?.events ?? 0),
    oldestAgeSeconds: row?.oldest_age_seconds ?? 0,
    refused: Number(row?.refused ?? 0),
  };
}

/** Reads the backlog at each scrape; concurrent scrapes share one query. */
export function watchBacklog(
  families: BacklogFamilies,
  read: (context: RequestContext) => Promise<OutboxBacklog>,
  metrics: Metrics,
): void {
  const events = metrics.gauge(families.events);
  const oldestAge = metrics.gauge(families.oldestAge);
  const refused = metrics.gauge(families.refused);
  const update = async () => {
    const context = backgroundContext(READ_TIMEOUT_MS);
    try {
      const backlog = await read(context);
      events.set(backlog.events);
      oldestAge.set(backlog.oldestAgeSeconds);
      refused.set(backlog.refused);
    } catch {
      // A stale value would look current.
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
