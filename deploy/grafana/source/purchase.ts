import type { Dashboard } from "../dashboard.ts";
import { durations, perSecond, share } from "../promql.ts";

const CHECKOUT_LABELS = `job="cart", http_route="/user/{user_id}/cart/checkout"`;
const CHECKOUT = `{${CHECKOUT_LABELS}}`;
const ORDER_CREATE = `{rpc_method="loms.v1.Loms/OrderCreate"}`;
const REQUESTS = "http_server_request_duration_seconds_count";

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
          queries: [perSecond(`${REQUESTS}${CHECKOUT}`, "http_response_status_code")],
        },
        {
          title: "Orders, by what became of the call",
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
          about: "An order that is bought and paid makes three events.",
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
      title: "The business",
      panels: [
        {
          title: "How orders end",
          about: "Payed, cancelled by the buyer, not payed in time, or out of stock.",
          unit: "ops",
          queries: [
            perSecond(`order_transitions_total{to=~"payed|cancelled|failed"}`, "to, reason"),
          ],
        },
        {
          title: "Reserved orders that are payed",
          unit: "percentunit",
          queries: [share(
            `order_transitions_total{to="payed"}`,
            `order_transitions_total{from="awaiting payment"}`,
            "payed",
          )],
        },
        {
          title: "Value of orders, a second",
          about: "In units of price; orders with a line without a price are left out.",
          unit: "short",
          queries: [perSecond("order_value_total", "to")],
        },
        {
          title: "Payments that came too late",
          unit: "ops",
          queries: [perSecond("order_late_payments_total", "instance")],
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
            `{rpc_method="loms.v1.Loms/OrderCreate", rpc_system_name="grpc"}`,
          ),
        },
        {
          title: "The statement that creates orders",
          about: "With the wait for a connection and for the synchronous replica.",
          unit: "s",
          queries: durations(
            "db_client_operation_duration_seconds",
            `{job="loms", db_operation_name="insert", db_client_connection_pool_name="primary"}`,
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
