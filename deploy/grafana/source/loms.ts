import type { Dashboard } from "../dashboard.ts";
import { durations, perSecond, share } from "../promql.ts";
import { batches, requests, statements } from "./requests.ts";

const COUNT = "rpc_server_call_duration_seconds_count";

export const loms: Dashboard = {
  name: "loms",
  title: "Loms",
  about: "Orders and stock: the five methods, over gRPC and HTTP, and their SQL.",
  rows: [
    {
      title: "Methods",
      panels: [
        {
          title: "Calls",
          unit: "ops",
          queries: [perSecond(COUNT, "rpc_method, rpc_system_name, rpc_status_code")],
        },
        {
          title: "Calls that fail",
          about: "Without faults of callers and short stock.",
          unit: "percentunit",
          queries: [share(`${COUNT}{error_type!=""}`, COUNT, "failed")],
        },
        {
          title: "Duration of calls",
          unit: "s",
          queries: durations("rpc_server_call_duration_seconds", "", "rpc_method"),
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
          title: "Lines short of stock",
          unit: "ops",
          queries: [perSecond("stock_reservations_short_total", "instance")],
        },
      ],
    },
    { title: "Batches", panels: batches("loms") },
    { title: "PostgreSQL", panels: statements("loms") },
    { title: "Gateway", panels: requests("loms") },
  ],
};
