import { expect, test } from "vitest";
import { RequestContext } from "../async/request-context.ts";
import { serveTogether } from "../telemetry/tracing.ts";
import { rememberedTracing } from "../telemetry/test-tracing.ts";
import { statementSpans } from "./statement-spans.ts";

const place = (id: string, flags = "01") => `00-${"a".repeat(32)}-${id.repeat(16)}-${flags}`;
const [A, B, C] = [place("a"), place("b"), place("c")] as const;
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

test("a statement that serves several requests is below the first and linked to the others", () => {
  const tracing = rememberedTracing();
  const context = serveTogether([A, B, C].map(contextAt));
  statementSpans(tracing)({ ...OBSERVATION, context });
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

test("a statement that fails has the code of its failure", () => {
  const tracing = rememberedTracing();
  const failed = { ...OBSERVATION, outcome: "unavailable", sqlState: "53300" } as const;
  statementSpans(tracing)({ ...failed, context: contextAt(A) });
  const attributes = { "db.response.status_code": "53300" };
  expect(tracing.spans).toMatchObject([{ error: "unavailable", attributes, links: [] }]);
});

test("a statement of a request that is not sampled is no span", () => {
  const tracing = rememberedTracing();
  statementSpans(tracing)({ ...OBSERVATION, context: contextAt(place("a", "00")) });
  expect(tracing.spans).toEqual([]);
});
