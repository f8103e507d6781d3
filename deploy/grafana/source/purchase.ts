import type { Dashboard } from "../dashboard.ts";
import { durations, perSecond, share } from "../promql.ts";

const CHECKOUT_LABELS = `job="cart", http_route="/user/{user_id}/cart/checkout"`;
const CHECKOUT = `{${CHECKOUT_LABELS}}`;
const ORDER_CREATE = `{rpc_method="loms.v1.Loms/OrderCreate"}`;
const REQUESTS = "http_server_request_duration_seconds_count";

export const purchase: Dashboard = {
  name: "purchase",
  title: "The purchase path",
  about: "A purchase from checkout to notification, with the duration of each stage, " +
    "and where purchases are lost.",
  rows: [
    {
      title: "Rates",
      panels: [
        {
          title: "Checkouts",
          about: "412: stock was short.",
          unit: "ops",
          queries: [perSecond(`${REQUESTS}${CHECKOUT}`, "http_response_status_code")],
        },
        {
          title: "Orders by status of the call",
          unit: "ops",
          queries: [
            perSecond(
              `rpc_server_call_duration_seconds_count${ORDER_CREATE}`,
              "rpc_system_name, rpc_status_code",
            ),
          ],
        },
        {
          title: "Notifications",
          about: "A payed order has three events.",
          unit: "ops",
          queries: [perSecond("notifier_notifications_total", "result")],
        },
        {
          title: "Checkouts that fail",
          unit: "percentunit",
          queries: [share(
            `${REQUESTS}{${CHECKOUT_LABELS}, http_response_status_code=~"5.."}`,
            `${REQUESTS}${CHECKOUT}`,
            "5xx",
          )],
        },
        {
          title: "Payments and cancellations",
          unit: "ops",
          queries: [
            perSecond(
              "rpc_server_call_duration_seconds_count" +
                `{rpc_method=~"loms.v1.Loms/Order(Pay|Cancel)"}`,
              "rpc_method, rpc_status_code",
            ),
          ],
        },
      ],
    },
    {
      title: "Business",
      panels: [
        {
          title: "Final statuses of orders",
          about: "Payed, cancelled by the buyer, not payed in time, or out of stock.",
          unit: "ops",
          queries: [
            perSecond(`order_transitions_total{to=~"payed|cancelled|failed"}`, "to, reason"),
          ],
        },
        {
          title: "Share of reserved orders that are payed",
          unit: "percentunit",
          queries: [share(
            `order_transitions_total{to="payed"}`,
            `order_transitions_total{from="awaiting payment"}`,
            "payed",
          )],
        },
        {
          title: "Value of orders per second",
          about: "In units of price, without orders that have a line without a price.",
          unit: "short",
          queries: [perSecond("order_value_total", "to")],
        },
        {
          title: "Late payments",
          unit: "ops",
          queries: [perSecond("order_late_payments_total", "instance")],
        },
      ],
    },
    {
      title: "Latency by stage",
      panels: [
        {
          title: "Checkout over HTTP",
          unit: "s",
          queries: durations("http_server_request_duration_seconds", CHECKOUT),
        },
        {
          title: "OrderCreate, measured by cart",
          unit: "s",
          queries: durations("rpc_client_call_duration_seconds", ORDER_CREATE),
        },
        {
          title: "OrderCreate, measured by loms",
          unit: "s",
          queries: durations(
            "rpc_server_call_duration_seconds",
            `{rpc_method="loms.v1.Loms/OrderCreate", rpc_system_name="grpc"}`,
          ),
        },
        {
          title: "Statement that creates orders",
          about: "With the wait for a connection and for the synchronous replica.",
          unit: "s",
          queries: durations(
            "db_client_operation_duration_seconds",
            `{job="loms", db_operation_name="insert", db_client_connection_pool_name="primary"}`,
          ),
        },
        {
          title: "Publishing a batch of events",
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
