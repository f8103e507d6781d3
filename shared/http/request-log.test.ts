import { expect, test } from "vitest";
import { AppError } from "../errors.ts";
import { createLogger } from "../telemetry/log.ts";
import { answerJson } from "./answer.ts";
import { createHttpApp, mount } from "./app.ts";
import { requestLog } from "./request-log.ts";

function logged() {
  const lines: string[] = [];
  const log = createLogger({
    service: "cart",
    level: "info",
    format: "json",
    write: (line) => lines.push(line),
  });
  const app = createHttpApp({ observers: [requestLog(log)] });
  const failing = (path: string, error: unknown) => ({
    method: "get",
    path,
    run(): Response {
      throw error;
    },
  });
  mount(app, [
    failing("/busy/{id}", new AppError("unavailable", "loms is away")),
    failing("/broken", new TypeError("x is undefined")),
  ]);
  return { app, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test("requestLog() writes one line a request, with the cleaned URL and the trace", async () => {
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
      detail: "loms is away",
    },
    { level: "info", http_response_status_code: 404, code: "not_found" },
  ]);
  expect(records()[1]).not.toHaveProperty("http_route");
  expect(records()[1]).not.toHaveProperty("error_type");
  expect(JSON.stringify(records())).not.toContain("nowhere");
});

test("requestLog() shows where an unexpected error comes from", async () => {
  const { app, records } = logged();
  await app.request("/broken");
  const [line] = records();
  expect(line).toMatchObject({ level: "error", http_response_status_code: 500 });
  expect(line).toMatchObject({
    exception_type: "AppError",
    exception_stacktrace: expect.stringContaining("TypeError: x is undefined"),
  });
});

test("requestLog() says nothing of a probe that is well, at the usual level", async () => {
  const { app, records } = logged();
  const path = "/healthz";
  mount(app, [{ method: "get", path, run: (c) => answerJson(c, 200, { status: "ok" }) }]);
  await app.request(path);
  await app.request("/nowhere");
  expect(records()).toMatchObject([{ http_response_status_code: 404 }]);
});

test("a verb that a client made up is _OTHER, with its text beside it", async () => {
  const { app, records } = logged();
  await app.request("/busy/7", { method: "BREW" });
  expect(records()).toMatchObject([
    { http_request_method: "_OTHER", http_request_method_original: "BREW" },
  ]);
});
