import { expect, test } from "vitest";
import { VirtualClock } from "../async/virtual-clock.ts";
import { AppError } from "../errors.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples, series } from "../telemetry/test-samples.ts";
import { type ProductCall, ProductFault, type ProductTransport } from "./pipeline.ts";
import { productServer } from "./product-server.ts";
import { tryMetrics, watchProductClient } from "./product-metrics.ts";

test("each try is measured by its method and how it ended", async () => {
  const metrics = new Metrics("cart");
  const clock = new VirtualClock();
  const call = { method: "get_product" } as ProductCall;
  const statuses = [200, 420, 418];
  const failures = [
    new ProductFault("no answer", { passing: true }),
    new AppError("deadline_exceeded", "the deadline has passed"),
  ];
  const transport: ProductTransport = async () => {
    await clock.advance(100);
    const status = statuses.shift();
    if (status !== undefined) return { status, body: "" };
    throw failures.shift() ?? new Error("one call too many");
  };
  const send = tryMetrics(metrics, clock, productServer("http://10.0.0.9:8090"))(transport);
  for (let n = 0; n < 5; n++) await send(call).catch(() => {});
  const samples = readSamples(await metrics.text());
  const endings = [
    { http_response_status_code: 200 },
    { http_response_status_code: 420, error_type: 420 },
    { http_response_status_code: "4xx", error_type: "4xx" },
    { error_type: "no_answer" },
    { error_type: "deadline_exceeded" },
  ];
  for (const ending of endings) {
    const name = series("http_client_request_duration_seconds_sum", {
      http_request_method: "POST",
      server_address: "10.0.0.9",
      server_port: 8090,
      server_service_name: "products",
      marketplace_product_method: "get_product",
      ...ending,
    });
    expect(samples.get(name), name).toBeCloseTo(0.1);
  }
});

test("what the client has counted is shown at each scrape, not added up", async () => {
  const metrics = new Metrics("cart");
  const stats = {
    fresh: 1,
    stale: 2,
    unknown: 3,
    misses: 4,
    refreshFailures: 5,
    entries: 6,
    waiting: 7,
  };
  watchProductClient({ stats: () => stats }, metrics);
  await metrics.text();
  stats.fresh = 10;
  stats.entries = 0;
  const samples = readSamples(await metrics.text());
  const lookups = ["fresh", "stale", "unknown", "miss"].map((result) =>
    samples.get(`product_cache_lookups_total{result="${result}"}`)
  );
  expect(lookups).toEqual([10, 2, 3, 4]);
  expect(samples.get("product_cache_refresh_failures_total")).toBe(5);
  expect(samples.get("product_cache_entries")).toBe(0);
  expect(samples.get("product_calls_waiting")).toBe(7);
});
