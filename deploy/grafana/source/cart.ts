import type { Dashboard } from "../dashboard.ts";
import { durations, gauge, perSecond, share } from "../promql.ts";
import { batches, requests } from "./requests.ts";

export const cart: Dashboard = {
  name: "cart",
  title: "Cart",
  about: "Requests of buyers to cart, and of cart to loms and to the product service.",
  rows: [
    { title: "Requests", panels: requests("cart") },
    {
      title: "Carts and cache",
      panels: [
        { title: "Carts", unit: "short", queries: [gauge("cart_repository_carts", "instance")] },
        {
          title: "Lines of all carts",
          unit: "short",
          queries: [gauge("cart_repository_lines", "instance")],
        },
        {
          title: "Products in the cache",
          unit: "short",
          queries: [gauge("product_cache_entries", "instance")],
        },
      ],
    },
    {
      title: "Requests loms",
      panels: [
        {
          title: "Calls",
          unit: "ops",
          queries: [
            perSecond(
              `rpc_client_call_duration_seconds_count{job="cart"}`,
              "rpc_method, rpc_status_code",
            ),
          ],
        },
        {
          title: "Duration of calls",
          unit: "s",
          queries: durations("rpc_client_call_duration_seconds", `{job="cart"}`, "rpc_method"),
        },
      ],
    },
    { title: "Batches", panels: batches("cart") },
    {
      title: "Requests to the product service",
      panels: [
        {
          title: "Attempts",
          about: "At most 10 in any second are sent.",
          unit: "ops",
          queries: [
            perSecond(
              "http_client_request_duration_seconds_count",
              "marketplace_product_method, http_response_status_code, error_type",
            ),
          ],
        },
        {
          title: "Duration of attempts",
          about: "Without the wait for the rate limit.",
          unit: "s",
          queries: durations(
            "http_client_request_duration_seconds",
            "",
            "marketplace_product_method",
          ),
        },
        {
          title: "Calls that wait for the rate limit",
          about: "40 waiting calls wait for 4 s of the 5 s that a request has.",
          unit: "short",
          queries: [gauge("product_calls_waiting", "instance")],
        },
        {
          title: "Wait of calls for the rate limit",
          unit: "s",
          queries: durations("product_limiter_wait_seconds", "", "outcome"),
        },
        {
          title: "Products looked up",
          unit: "ops",
          queries: [perSecond("product_cache_lookups_total", "result")],
        },
        {
          title: "Lookups that called the product service",
          unit: "percentunit",
          queries: [
            share(
              `product_cache_lookups_total{result="miss"}`,
              "product_cache_lookups_total",
              "miss",
            ),
          ],
        },
        {
          title: "Failed refreshes",
          unit: "ops",
          queries: [perSecond("product_cache_refresh_failures_total", "instance")],
        },
      ],
    },
  ],
};
