import { expect, test } from "vitest";
import { RequestContext } from "../async/request-context.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples } from "../telemetry/test-samples.ts";
import { childTraceparent } from "../telemetry/traceparent.ts";
import { statementMetrics } from "./statement-metrics.ts";

test("statements are measured by category, pool and status", async () => {
  const metrics = new Metrics("loms");
  const observe = statementMetrics(metrics);
  const context = new RequestContext({ traceparent: childTraceparent(undefined), timeoutMs: 1 });
  const observation = { name: "order_info", startedAt: 0, durationMs: 30, context } as const;
  observe({ ...observation, role: "replica", kind: "select", outcome: "ok" });
  observe({ ...observation, role: "primary", kind: "update", outcome: "deadline_exceeded" });
  const samples = readSamples(await metrics.text());
  const name = "db_client_operation_duration_seconds";
  expect(samples.get(`${name}_sum{category="select",pool="replica",status="ok"}`)).toBe(0.03);
  const late = '{category="update",pool="primary",status="deadline_exceeded"}';
  expect(samples.get(`${name}_count${late}`)).toBe(1);
});
