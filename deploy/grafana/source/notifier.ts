import type { Dashboard } from "../dashboard.ts";
import { durations, perSecond } from "../promql.ts";
import { batches, requests, statements } from "./requests.ts";

export const notifier: Dashboard = {
  name: "notifier",
  title: "Notifier",
  about: "Order events in, notifications out.",
  rows: [
    {
      title: "Events",
      panels: [
        {
          title: "Notifications",
          about:
            "Stale: a repeat, or older than the last shown event of its order. Dead: unreadable.",
          unit: "ops",
          queries: [perSecond("notifier_notifications_total", "result")],
        },
        {
          title: "Messages",
          about: "Unreadable messages go to the dead-letter queue; failed ones are repeated.",
          unit: "ops",
          queries: [perSecond("bus_consume_duration_seconds_count", "error_type")],
        },
        {
          title: "Duration of a message",
          unit: "s",
          queries: durations("bus_consume_duration_seconds", ""),
        },
      ],
    },
    { title: "Batches", panels: batches("notifier") },
    { title: "PostgreSQL", panels: statements("notifier") },
    { title: "Requests", panels: requests("notifier") },
  ],
};
