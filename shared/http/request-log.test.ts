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
      method: "GET",
      route: "/busy/{id}",
      status: 503,
      duration_ms: expect.any(Number),
      bytes: expect.any(Number),
      code: "unavailable",
      detail: "loms is away",
    },
    { level: "info", route: "unknown", status: 404 },
  ]);
  expect(JSON.stringify(records())).not.toContain("nowhere");
});

test("requestLog() shows where an unexpected error comes from", async () => {
  const { app, records } = logged();
  await app.request("/broken");
  const [line] = records();
  expect(line).toMatchObject({ level: "error", status: 500 });
  expect(JSON.stringify(line?.["error"])).toContain("x is undefined");
});

test("requestLog() says nothing of a probe that is well, at the usual level", async () => {
  const { app, records } = logged();
  const path = "/healthz";
  mount(app, [{ method: "get", path, run: (c) => answerJson(c, 200, { status: "ok" }) }]);
  await app.request(path);
  await app.request("/nowhere");
  expect(records()).toMatchObject([{ route: "unknown" }]);
});
