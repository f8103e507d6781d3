import { expect, test } from "vitest";
import { AppError } from "../errors.ts";
import { Readiness } from "../lifecycle.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { createHttpApp, mount } from "./app.ts";
import { probeRoutes, type ReadyCheck } from "./probes.ts";

function healthApp(readiness: Readiness, checks: Record<string, ReadyCheck> = {}) {
  const app = createHttpApp();
  mount(app, probeRoutes({ readiness, metrics: new Metrics("cart") }, checks));
  return app;
}

test("/healthz and /readyz answer 200 while every part works", async () => {
  const app = healthApp(new Readiness(), { database: () => Promise.resolve() });
  expect(await (await app.request("/healthz")).json()).toEqual({ status: "ok" });
  const ready = await app.request("/readyz");
  expect([ready.status, await ready.json()]).toEqual([200, { status: "ready" }]);
});

test("/readyz answers 503 with reasons, and the text of an AppError only", async () => {
  const app = healthApp(new Readiness(), {
    database: () => Promise.reject(new AppError("unavailable", "no primary")),
    cache: () => Promise.resolve(),
    bus: () => {
      throw new Error("password is hunter2");
    },
  });
  const answer = await app.request("/readyz");
  expect([answer.status, await answer.json()]).toEqual([503, {
    status: "not ready",
    reasons: { database: "no primary", bus: "failed" },
  }]);
});

test("/readyz answers 503 once the process stops, /healthz still 200", async () => {
  const readiness = new Readiness();
  const app = healthApp(readiness);
  void readiness.stop();
  expect((await app.request("/readyz")).status).toBe(503);
  expect((await app.request("/healthz")).status).toBe(200);
});
