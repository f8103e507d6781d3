import { gaugeFamily } from "../../shared/telemetry/metrics.ts";
import type { BacklogFamilies } from "./backlog.ts";

export const STOCK_OUTBOX_BACKLOG_EVENTS = gaugeFamily({
  name: "stock_outbox_backlog_events",
  help: "Unpublished stock events; absent while the database does not answer",
  labels: [],
});

export const STOCK_OUTBOX_OLDEST_AGE_SECONDS = gaugeFamily({
  name: "stock_outbox_oldest_age_seconds",
  help: "Age of the oldest unpublished stock event; absent while the database does not answer",
  labels: [],
});

export const STOCK_OUTBOX_REFUSED_EVENTS = gaugeFamily({
  name: "stock_outbox_refused_events",
  help: "Stock events that the bus refused permanently; absent while the database does not answer",
  labels: [],
});

/** The metrics of the outbox of stock events. */
export const STOCK_BACKLOG: BacklogFamilies = {
  events: STOCK_OUTBOX_BACKLOG_EVENTS,
  oldestAge: STOCK_OUTBOX_OLDEST_AGE_SECONDS,
  refused: STOCK_OUTBOX_REFUSED_EVENTS,
};
