import { expect, test } from "vitest";
import { RequestContext } from "../async/request-context.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { readSamples } from "../telemetry/samples.ts";
import { series } from "../telemetry/test/samples.ts";
import { rememberedTracing } from "../telemetry/test/tracing.ts";
import { NO_TRACING, serveTogether } from "../telemetry/tracing.ts";
import { encodeParameter, observedStatements } from "./pool.ts";

test("encodeParameter() writes arrays as PostgreSQL reads them", () => {
  expect(encodeParameter([])).toBe("{}");
  expect(encodeParameter([1, 2n ** 63n - 1n, -(2n ** 63n)])).toBe(
    "{1,9223372036854775807,-9223372036854775808}",
  );
  expect(encodeParameter(["", "null", null, 'a"b', "a\\b", "{,}"])).toBe(
    '{"","null",null,"a\\"b","a\\\\b","{,}"}',
  );
});

const traceparentOf = (id: string, flags = "01") =>
  `00-${"a".repeat(32)}-${id.repeat(16)}-${flags}`;
const [A, B, C] = [traceparentOf("a"), traceparentOf("b"), traceparentOf("c")] as const;
const contextAt = (traceparent: string) => new RequestContext({ traceparent, timeoutMs: 1_000 });
const OBSERVATION = {
  role: "primary",
  name: "order_create",
  kind: "insert",
  namespace: "shop",
  outcome: "ok",
  sqlState: undefined,
  startedAt: 5,
  durationMs: 30,
} as const;

test("a statement for several requests is a child of the first and linked to the others", () => {
  const tracing = rememberedTracing();
  const context = serveTogether([A, B, C].map(contextAt));
  observedStatements(new Metrics("loms"), tracing)({ ...OBSERVATION, context });
  expect(tracing.spans).toMatchObject([{
    parent: A,
    links: [B, C],
    name: "order_create",
    kind: "client",
    attributes: {
      "db.system.name": "postgresql",
      "db.operation.name": "insert",
      "db.query.summary": "order_create",
      "db.namespace": "shop",
      "db.client.connection.pool.name": "primary",
    },
    error: undefined,
  }]);
});

test("the span of a failed statement has its error code", () => {
  const tracing = rememberedTracing();
  const failed = { ...OBSERVATION, outcome: "unavailable", sqlState: "53300" } as const;
  observedStatements(new Metrics("loms"), tracing)({ ...failed, context: contextAt(A) });
  const attributes = { "db.response.status_code": "53300" };
  expect(tracing.spans).toMatchObject([{ error: "unavailable", attributes, links: [] }]);
});

test("a statement of an unsampled request has no span", () => {
  const tracing = rememberedTracing();
  observedStatements(new Metrics("loms"), tracing)({
    ...OBSERVATION,
    context: contextAt(traceparentOf("a", "00")),
  });
  expect(tracing.spans).toEqual([]);
});

test("statements are measured by kind, pool and failure", async () => {
  const metrics = new Metrics("loms");
  const observe = observedStatements(metrics, NO_TRACING);
  const context = new RequestContext({ traceparent: A, timeoutMs: 1 });
  const times = { startedAt: 0, durationMs: 30, context };
  const observation = { name: "order_info", namespace: "shop", ...times } as const;
  const ok = { outcome: "ok", sqlState: undefined } as const;
  observe({ ...observation, role: "replica", kind: "select", ...ok });
  const cancelled = { outcome: "deadline_exceeded", sqlState: "57014" } as const;
  observe({ ...observation, role: "primary", kind: "update", ...cancelled });
  const samples = readSamples(await metrics.text());
  const sampleOf = (suffix: string, labels: object) =>
    samples.get(series(`db_client_operation_duration_seconds_${suffix}`, {
      db_system_name: "postgresql",
      db_namespace: "shop",
      ...labels,
    }));
  const read = { db_operation_name: "select", db_client_connection_pool_name: "replica" };
  expect(sampleOf("sum", read)).toBe(0.03);
  const write = { db_operation_name: "update", db_client_connection_pool_name: "primary" };
  const late = { db_response_status_code: "57014", error_type: "deadline_exceeded" };
  expect(sampleOf("count", { ...write, ...late })).toBe(1);
});
