import { expect, test } from "vitest";
import { Metrics } from "./metrics.ts";
import { readFamilies, readSamples } from "./test-samples.ts";

test("Metrics tells every family of its service from the start, and no other", async () => {
  const families = readFamilies(await new Metrics("notifier").text());
  expect(Object.fromEntries(families)).toEqual({
    build_info: "gauge",
    process_resident_memory_bytes: "gauge",
    http_server_request_duration_seconds: "histogram",
    db_client_operation_duration_seconds: "histogram",
    bus_consume_duration_seconds: "histogram",
    bus_lag_messages: "gauge",
    notifier_notifications_total: "counter",
    notifier_skipped_events_total: "counter",
    notifier_delay_seconds: "histogram",
    batcher_batch_items: "histogram",
    batcher_wait_seconds: "histogram",
    log_lines_lost_total: "counter",
    trace_spans_total: "counter",
  });
});

test("Metrics refuses a family of another service", () => {
  const metrics = new Metrics("notifier");
  expect(() => metrics.gauge("cart_repository_carts"))
    .toThrow("cart_repository_carts is no metric of notifier");
});

test("services in one process share nothing", async () => {
  const [one, other] = [new Metrics("cart"), new Metrics("cart")];
  one.gauge("cart_repository_carts").set(3);
  expect(readSamples(await one.text()).get("cart_repository_carts")).toBe(3);
  expect(readSamples(await other.text()).get("cart_repository_carts")).toBe(0);
});

test("what cannot be told at a scrape does not hide the rest", async () => {
  const metrics = new Metrics("cart");
  metrics.beforeScrape(() => {
    throw new Error("away");
  });
  metrics.beforeScrape(() => Promise.reject(new Error("away")));
  metrics.beforeScrape(() => metrics.gauge("cart_repository_lines").set(7));
  expect(readSamples(await metrics.text()).get("cart_repository_lines")).toBe(7);
});
