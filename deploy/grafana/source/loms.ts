import type { Dashboard } from "../dashboard.ts";
import { durations, perSecond, share } from "../promql.ts";
import { requests, statements } from "./requests.ts";

const COUNT = "rpc_server_call_duration_seconds_count";

export const loms: Dashboard = {
  name: "loms",
  title: "Loms",
  about: "Orders and stock: the five methods, whichever door they came through, and their SQL.",
  rows: [
    {
      title: "Methods",
      panels: [
        { title: "Calls", unit: "ops", queries: [perSecond(COUNT, "method, door, status")] },
        {
          title: "Calls that fail",
          about: "What a caller got wrong, or stock that is short, is no failure.",
          unit: "percentunit",
          queries: [
            share(`${COUNT}{status=~"internal|unavailable|deadline_exceeded"}`, COUNT, "failed"),
          ],
        },
        {
          title: "How long calls take",
          unit: "s",
          queries: durations("rpc_server_call_duration_seconds", "", "method"),
        },
      ],
    },
    {
      title: "Orders",
      panels: [
        {
          title: "From one status to the next",
          unit: "ops",
          queries: [perSecond("order_transitions_total", "from, to")],
        },
        {
          title: "Lines that stock could not cover",
          unit: "ops",
          queries: [perSecond("stock_reservations_short_total", "instance")],
        },
      ],
    },
    { title: "PostgreSQL", panels: statements("loms") },
    { title: "Gateway", panels: requests("loms") },
  ],
};
