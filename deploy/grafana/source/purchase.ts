import type { Dashboard } from "../dashboard.ts";
import { durations, perSecond, share } from "../promql.ts";

const CHECKOUT = `{job="cart", route="/user/{user_id}/cart/checkout"}`;
const ORDER_CREATE = `{method="orderCreate"}`;

export const purchase: Dashboard = {
  name: "purchase",
  title: "The purchase path",
  about: "A purchase from checkout to notification, stage by stage: where the time goes, " +
    "and where purchases are lost.",
  rows: [
    {
      title: "How many",
      panels: [
        {
          title: "Checkouts",
          about: "412: stock was short.",
          unit: "ops",
          queries: [perSecond(`http_server_request_duration_seconds_count${CHECKOUT}`, "status")],
        },
        {
          title: "Orders, by what became of the call",
          unit: "ops",
          queries: [
            perSecond(`rpc_server_call_duration_seconds_count${ORDER_CREATE}`, "door, status"),
          ],
        },
        {
          title: "Notifications",
          about: "An order that is bought and paid makes three events.",
          unit: "ops",
          queries: [perSecond("notifier_notifications_total", "result")],
        },
        {
          title: "Checkouts that fail",
          unit: "percentunit",
          queries: [share(
            `http_server_request_duration_seconds_count{job="cart", route="/user/{user_id}/cart/checkout", status=~"5.."}`,
            `http_server_request_duration_seconds_count${CHECKOUT}`,
            "5xx",
          )],
        },
        {
          title: "Payments and cancellations",
          unit: "ops",
          queries: [
            perSecond(
              `rpc_server_call_duration_seconds_count{method=~"orderPay|orderCancel"}`,
              "method, status",
            ),
          ],
        },
      ],
    },
    {
      title: "How long, from the outside in",
      panels: [
        {
          title: "Checkout, as the buyer sees it",
          unit: "s",
          queries: durations("http_server_request_duration_seconds", CHECKOUT),
        },
        {
          title: "OrderCreate, as cart sees it",
          unit: "s",
          queries: durations("rpc_client_call_duration_seconds", ORDER_CREATE),
        },
        {
          title: "OrderCreate, as loms sees it",
          unit: "s",
          queries: durations(
            "rpc_server_call_duration_seconds",
            `{method="orderCreate", door="grpc"}`,
          ),
        },
        {
          title: "The statement that creates orders",
          about: "With the wait for a connection and for the synchronous replica.",
          unit: "s",
          queries: durations(
            "db_client_operation_duration_seconds",
            `{job="loms", category="insert", pool="primary"}`,
          ),
        },
        {
          title: "Handing a batch of events to the bus",
          unit: "s",
          queries: durations("bus_publish_duration_seconds", ""),
        },
        {
          title: "Showing a notification",
          unit: "s",
          queries: durations("bus_consume_duration_seconds", ""),
        },
      ],
    },
  ],
};
