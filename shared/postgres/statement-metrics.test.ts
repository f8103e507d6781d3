import { expect, test } from "vitest";
import { RequestContext } from "../async/request-context.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples, series } from "../telemetry/test-samples.ts";
import { childTraceparent } from "../telemetry/traceparent.ts";
import { statementMetrics } from "./statement-metrics.ts";

test("statements are measured by what they are for, pool and failure", async () => {
  const metrics = new Metrics("loms");
  const observe = statementMetrics(metrics);
  const context = new RequestContext({ traceparent: childTraceparent(undefined), timeoutMs: 1 });
  const times = { startedAt: 0, durationMs: 30, context };
  const observation = { name: "order_info", namespace: "shop", ...times } as const;
  const ok = { outcome: "ok", sqlState: undefined } as const;
  observe({ ...observation, role: "replica", kind: "select", ...ok });
  const cancelled = { outcome: "deadline_exceeded", sqlState: "57014" } as const;
  observe({ ...observation, role: "primary", kind: "update", ...cancelled });
  const samples = readSamples(await metrics.text());
  const told = (suffix: string, labels: object) =>
    samples.get(series(`db_client_operation_duration_seconds_${suffix}`, {
      db_system_name: "postgresql",
      db_namespace: "shop",
      ...labels,
    }));
  const read = { db_operation_name: "select", db_client_connection_pool_name: "replica" };
  expect(told("sum", read)).toBe(0.03);
  const write = { db_operation_name: "update", db_client_connection_pool_name: "primary" };
  const late = { db_response_status_code: "57014", error_type: "deadline_exceeded" };
  expect(told("count", { ...write, ...late })).toBe(1);
});
