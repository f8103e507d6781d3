import { expect, test } from "vitest";
import { AppError } from "../errors.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples, series } from "../telemetry/test-samples.ts";
import { answerJson } from "./answer.ts";
import { createHttpApp, mount } from "./app.ts";
import { metricsRoute } from "./metrics-route.ts";
import { requestMetrics } from "./request-metrics.ts";

function measured() {
  const metrics = new Metrics("cart");
  const app = createHttpApp({ observers: [requestMetrics(metrics)] });
  mount(app, [
    { method: "get", path: "/user/{user_id}/cart/{sku_id}", run: (c) => answerJson(c, 200, {}) },
    {
      method: "get",
      path: "/away",
      run() {
        throw new AppError("unavailable", "loms is away");
      },
    },
    metricsRoute(metrics),
  ]);
  const send = async (method: string, path: string) => await app.request(path, { method });
  const samples = async () => readSamples(await (await send("GET", "/metrics")).text());
  return { send, samples };
}

const count = (method: string, route: string | undefined, status: number, error_type?: string) =>
  series("http_server_request_duration_seconds_count", {
    http_request_method: method,
    ...(route && { http_route: route }),
    http_response_status_code: status,
    url_scheme: "http",
    ...(error_type && { error_type }),
  });

test("requests are counted by verb, cleaned URL and status", async () => {
  const { send, samples } = measured();
  await send("GET", "/user/1/cart/2");
  await send("GET", "/user/3/cart/4?token=abc");
  await send("BREW", "/user/3/cart/4");
  await send("POST", "/wp-login");
  const seen = await samples();
  expect(seen.get(count("GET", "/user/{user_id}/cart/{sku_id}", 200))).toBe(2);
  expect(seen.get(count("_OTHER", "/user/{user_id}/cart/{sku_id}", 405))).toBe(1);
  expect(seen.get(count("POST", undefined, 404))).toBe(1);
});

test("only a server error has an error_type", async () => {
  const { send, samples } = measured();
  await send("GET", "/away");
  expect((await samples()).get(count("GET", "/away", 503, "unavailable"))).toBe(1);
});

test("/metrics answers in the format of Prometheus", async () => {
  const answer = await measured().send("GET", "/metrics");
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
});

test("1000 requests that a client makes up add no series", async () => {
  const { send, samples } = measured();
  const verbs = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"];
  for (const verb of verbs) {
    await send(verb, "/nowhere");
    await send(verb, "/user/1/cart/1");
  }
  await samples();
  const before = await samples();
  for (let n = 0; n < 1_000; n++) {
    const verb = n % 2 ? `VERB${n}` : verbs[n % verbs.length] ?? "";
    await send(verb, n % 3 ? `/user/${n}/cart/${n * 7}?q=${n}` : `/path${n}/${n}`);
  }
  expect([...(await samples()).keys()]).toEqual([...before.keys()]);
});
