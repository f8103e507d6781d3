import { expect, test } from "vitest";
import { type Caller, RequestContext } from "../async/request-context.ts";
import { readSamples } from "../telemetry/samples.ts";
import { series } from "../telemetry/test/samples.ts";
import { productServer } from "./product-telemetry.ts";
import { PRODUCT, SECRET, setUp, status, TRACEPARENT } from "./test/product-client.ts";

test.each([
  ["http://10.0.0.9:8090", "10.0.0.9", 8090, "http://10.0.0.9:8090"],
  [
    "https://user:secret@products.example/v1/",
    "products.example",
    443,
    "https://products.example/v1",
  ],
  ["http://[::1]", "::1", 80, "http://[::1]"],
])("productServer() names the server of %s", (text, address, port, url) => {
  expect(productServer(text)).toEqual({ server: { service: "products", address, port }, url });
});

test("each try is measured by its method and how it ended", async () => {
  const { service, metrics, get } = setUp();
  service.latencyMs = 100;
  service.nextReplies.push(status(420), new TypeError("fetch failed"));
  expect(await get()).toEqual(PRODUCT);
  service.nextReplies.push(status(418), "hang");
  await get();
  await get(42, 1_000);
  const samples = readSamples(await metrics.text());
  const endings = [
    [{ http_response_status_code: 420, error_type: 420 }, 0.1],
    [{ error_type: "no_answer" }, 0.1],
    [{ http_response_status_code: 200 }, 0.1],
    [{ http_response_status_code: "4xx", error_type: "4xx" }, 0.1],
    [{ error_type: "deadline_exceeded" }, 1],
  ] as const;
  for (const [ending, seconds] of endings) {
    const name = series("http_client_request_duration_seconds_sum", {
      http_request_method: "POST",
      marketplace_product_method: "get_product",
      server_address: "products",
      server_port: 8090,
      server_service_name: "products",
      ...ending,
    });
    expect(samples.get(name), name).toBeCloseTo(seconds);
  }
});

test("waits for a permit are measured by outcome", async () => {
  const { clock, client, metrics, context } = setUp();
  const request = (sku: number, timeoutMs = 5_000, caller?: Caller) =>
    client.getProduct(sku, context(timeoutMs, caller)).catch(() => {});
  const leaving = new AbortController();
  const calls = Array.from({ length: 11 }, (_, sku) => request(sku + 1));
  calls.push(request(90, 100), request(91, 5_000, leaving));
  await clock.advance(400);
  leaving.abort();
  await clock.advance(5_000);
  await Promise.all(calls);
  const samples = readSamples(await metrics.text());
  const reported = (outcome: string) =>
    ["count", "sum"].map((part) =>
      samples.get(`product_limiter_wait_seconds_${part}{outcome="${outcome}"}`)
    );
  expect(reported("granted")).toEqual([11, 1.05]);
  expect(reported("refused")).toEqual([1, 0]);
  expect(reported("given_up")).toEqual([1, 0.4]);
});

test("each scrape returns the counts of the client, and does not add them up", async () => {
  const { clock, service, client, metrics, context, getNow } = setUp({ cacheTtlMs: 60_000 });
  service.nextReplies.push(status(404));
  for (const sku of [1, 1, 2, 2, 2]) await getNow(sku);
  await clock.advance(60_000);
  service.nextReplies.push(status(401));
  for (let stale = 0; stale < 3; stale++) await getNow(2);
  // Ten fit into the limit with the refresh, so the last two wait.
  for (let sku = 11; sku <= 21; sku++) void client.getProduct(sku, context());
  await clock.advance(0);
  await metrics.text();
  const samples = readSamples(await metrics.text());
  const lookups = ["fresh", "stale", "unknown", "miss"].map((result) =>
    samples.get(`product_cache_lookups_total{result="${result}"}`)
  );
  expect(lookups).toEqual([2, 3, 1, 13]);
  expect(samples.get("product_cache_refresh_failures_total")).toBe(1);
  expect(samples.get("product_cache_entries")).toBe(11);
  expect(samples.get("product_calls_waiting")).toBe(2);
});

test("a call is one span, its attempts are events, and the server's span is below it", async () => {
  const { service, spans, get } = setUp({ url: "http://user:secret@10.0.0.9:8090/v1/" });
  service.nextReplies.push(status(503));
  await get();
  expect(spans).toMatchObject([{
    name: "POST /get_product",
    kind: "client",
    parent: TRACEPARENT,
    attributes: {
      "server.address": "10.0.0.9",
      "server.port": 8090,
      "url.full": "http://10.0.0.9:8090/v1/get_product",
      "url.template": "/get_product",
      "http.request.resend_count": 1,
      "http.response.status_code": 200,
    },
    events: [
      {
        name: "try",
        attributes: { "http.request.resend_count": 0, "http.response.status_code": 503 },
      },
      {
        name: "retry",
        attributes: { "http.request.resend_count": 1, "http.response.status_code": 200 },
      },
    ],
    error: undefined,
  }]);
  const place = spans[0]?.traceparent;
  expect(service.received.map(({ traceparent }) => traceparent)).toEqual([place, place]);
  expect(JSON.stringify(spans)).not.toMatch(new RegExp(`secret@|${SECRET}`));
});

test.each([
  ["no_answer", () => new TypeError("fetch failed"), 5_000],
  ["deadline_exceeded", () => "hang" as const, 1_000],
  ["401", () => status(401), 5_000],
  ["404", () => status(404), 5_000],
])("the span of a failed call has the error %s", async (error, reply, timeoutMs) => {
  const { service, spans, get } = setUp();
  service.reply = reply;
  await get(42, timeoutMs);
  expect(spans).toMatchObject([{ error }]);
});

test("an unsampled trace context is sent unchanged", async () => {
  const unsampled = `${TRACEPARENT.slice(0, 53)}00`;
  const { clock, service, client, spans } = setUp();
  const context = new RequestContext({ traceparent: unsampled, timeoutMs: 5_000, clock });
  const answer = client.getProduct(42, context);
  await clock.advance(0);
  await answer;
  expect([service.received[0]?.traceparent, spans]).toEqual([unsampled, []]);
});
