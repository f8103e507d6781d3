import { expect, test } from "vitest";
import { AppError } from "../errors.ts";
import { Readiness } from "../lifecycle.ts";
import { createLogger } from "../telemetry/log.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples } from "../telemetry/samples.ts";
import { series } from "../telemetry/test/samples.ts";
import { rememberedTracing } from "../telemetry/test/tracing.ts";
import { answerJson, createHttpApp, mount } from "./app.ts";
import { probeRoutes } from "./probes.ts";

// The log line, the metric and the span of a request.

function logged() {
  const lines: string[] = [];
  const log = createLogger({
    service: "cart",
    level: "info",
    format: "json",
    write: (line) => lines.push(line),
  });
  const app = createHttpApp({ log });
  const failing = (path: string, error: unknown) => ({
    method: "get",
    path,
    run(): Response {
      throw error;
    },
  });
  mount(app, [
    failing("/busy/{id}", new AppError("unavailable", "loms is unavailable")),
    failing("/broken", new TypeError("x is undefined")),
  ]);
  return { app, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test("a request is logged in one line, with its route and its trace", async () => {
  const { app, records } = logged();
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await app.request("/busy/7?token=abc", { headers: { traceparent } });
  await app.request("/nowhere/7");
  expect(records()).toMatchObject([
    {
      service: "cart",
      level: "warn",
      message: "request",
      trace_id: "0af7651916cd43dd8448eb211c80319c",
      http_request_method: "GET",
      http_route: "/busy/{id}",
      http_response_status_code: 503,
      http_response_body_size: expect.any(Number),
      duration_ms: expect.any(Number),
      code: "unavailable",
      error_type: "unavailable",
      detail: "loms is unavailable",
    },
    { level: "info", http_response_status_code: 404, code: "not_found" },
  ]);
  expect(records()[1]).not.toHaveProperty("http_route");
  expect(records()[1]).not.toHaveProperty("error_type");
  expect(JSON.stringify(records())).not.toContain("nowhere");
});

test("the log line of an unexpected error has its stack", async () => {
  const { app, records } = logged();
  await app.request("/broken");
  const [line] = records();
  expect(line).toMatchObject({ level: "error", http_response_status_code: 500 });
  expect(line).toMatchObject({
    exception_type: "AppError",
    exception_stacktrace: expect.stringContaining("TypeError: x is undefined"),
  });
});

test("a successful probe is not logged at the usual level", async () => {
  const { app, records } = logged();
  const path = "/healthz";
  mount(app, [{ method: "get", path, run: (c) => answerJson(c, 200, { status: "ok" }) }]);
  await app.request(path);
  await app.request("/nowhere");
  expect(records()).toMatchObject([{ http_response_status_code: 404 }]);
});

test("an unknown method is logged as _OTHER, and unchanged in another field", async () => {
  const { app, records } = logged();
  await app.request("/busy/7", { method: "BREW" });
  expect(records()).toMatchObject([
    { http_request_method: "_OTHER", http_request_method_original: "BREW" },
  ]);
});

function measured() {
  const metrics = new Metrics("cart");
  const app = createHttpApp({ metrics });
  mount(app, [
    { method: "get", path: "/user/{user_id}/cart/{sku_id}", run: (c) => answerJson(c, 200, {}) },
    {
      method: "get",
      path: "/failing",
      run() {
        throw new AppError("unavailable", "loms is unavailable");
      },
    },
    ...probeRoutes({ readiness: new Readiness(), metrics }),
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

test("requests are counted by method, route and status", async () => {
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
  await send("GET", "/failing");
  expect((await samples()).get(count("GET", "/failing", 503, "unavailable"))).toBe(1);
});

test("/metrics answers in the format of Prometheus", async () => {
  const answer = await measured().send("GET", "/metrics");
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
});

test("1000 requests with made-up methods and paths add no series", async () => {
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

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function traced() {
  const tracing = rememberedTracing();
  const app = createHttpApp({ tracing });
  mount(app, [
    { method: "get", path: "/user/{user_id}", run: (c) => answerJson(c, 200, { ok: true }) },
    { method: "get", path: "/healthz", run: (c) => answerJson(c, 200, {}) },
    {
      method: "get",
      path: "/failing",
      run() {
        throw new AppError("unavailable", "loms is unavailable");
      },
    },
  ]);
  return { app, spans: tracing.spans };
}

test("the span of a request is a child of its caller's, without the path", async () => {
  const { app, spans } = traced();
  await app.request("/user/not-an-id-of-digits", { headers: { traceparent: PARENT } });
  expect(spans).toMatchObject([{
    traceparent: expect.stringContaining(PARENT.slice(3, 35)),
    parent: PARENT,
    name: "GET /user/{user_id}",
    kind: "server",
    attributes: { "http.route": "/user/{user_id}", "http.response.status_code": 200 },
    error: undefined,
  }]);
  expect(JSON.stringify(spans)).not.toContain("not-an-id-of-digits");
});

test("only a server error marks a span as failed", async () => {
  const { app, spans } = traced();
  await app.request("/failing");
  await app.request("/nowhere", { method: "MADEUP" });
  expect(spans.map(({ name, error }) => [name, error])).toEqual([
    ["GET /failing", "unavailable"],
    ["HTTP", undefined],
  ]);
  expect(spans[1]?.attributes).toMatchObject({ "http.request.method": "_OTHER" });
  expect(spans[1]?.attributes).not.toHaveProperty("http.route");
});

test("a probe is traced only below a caller's span", async () => {
  const { app, spans } = traced();
  await app.request("/healthz");
  expect(spans).toEqual([]);
  await app.request("/healthz", { headers: { traceparent: PARENT } });
  expect(spans).toHaveLength(1);
});
