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
          about: "Stale: a repeat, or older than what was shown of that order. Dead: unreadable.",
          unit: "ops",
          queries: [perSecond("notifier_notifications_total", "result")],
        },
        {
          title: "Messages",
          about: "Unreadable ones go to the dead-letter queue; what fails is repeated.",
          unit: "ops",
          queries: [perSecond("bus_consume_duration_seconds_count", "error_type")],
        },
        {
          title: "How long a message takes",
          unit: "s",
          queries: durations("bus_consume_duration_seconds", ""),
        },
      ],
    },
    { title: "Batches", panels: batches("notifier") },
    { title: "PostgreSQL", panels: statements("notifier") },
    { title: "Requested", panels: requests("notifier") },
  ],
};
