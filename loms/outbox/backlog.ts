import type { RequestContext } from "../../shared/async/request-context.ts";
import type { StatementRunner } from "../../shared/postgres/statement.ts";
import { gaugeFamily, type MetricFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import type { Outbox } from "./outbox.ts";

/** The metrics of an outbox. */
type BacklogFamilies = Readonly<
  Record<"events" | "oldestAge" | "refused", MetricFamily<"gauge", never>>
>;

function backlogFamilies(
  kind: "Order" | "Stock",
  names: Readonly<Record<keyof BacklogFamilies, string>>,
): BacklogFamilies {
  const family = (name: string, help: string) =>
    gaugeFamily({ name, help: `${help}; absent while the database does not answer` });
  const event = `${kind.toLowerCase()} event`;
  return {
    events: family(names.events, `Unpublished ${event}s`),
    oldestAge: family(names.oldestAge, `Age of the oldest unpublished ${event}`),
    refused: family(names.refused, `${kind} events that the bus refused permanently`),
  };
}

export const ORDER_BACKLOG = backlogFamilies("Order", {
  events: "outbox_backlog_events",
  oldestAge: "outbox_oldest_age_seconds",
  refused: "outbox_refused_events",
});

export const STOCK_BACKLOG = backlogFamilies("Stock", {
  events: "stock_outbox_backlog_events",
  oldestAge: "stock_outbox_oldest_age_seconds",
  refused: "stock_outbox_refused_events",
});

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
  let updating: Promise<void> | undefined;
  metrics.beforeScrape(() => updating ??= update().finally(() => updating = undefined));
}
