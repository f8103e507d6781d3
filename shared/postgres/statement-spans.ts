import { childTraceparent } from "../telemetry/traceparent.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { StatementObservation } from "./pool.ts";

/**
 * A span for every statement of a pool, below the request that it serves and linked to the others
 * that it serves as well; give it to the pool as `observe`.
 */
export function statementSpans(tracing: Tracing): (observation: StatementObservation) => void {
  return ({ role, name, kind, outcome, startedAt, durationMs, context }) => {
    if (!tracing.keeps(context.traceparent)) return;
    tracing.record({
      traceparent: childTraceparent(context.traceparent),
      parent: context.traceparent,
      name,
      kind: "client",
      startedAt,
      durationMs,
      attributes: {
        "db.system.name": "postgresql",
        "db.operation.name": kind,
        "db.query.summary": name,
        "marketplace.pool": role,
      },
      error: outcome === "ok" ? undefined : outcome,
      links: context.alsoServes,
    });
  };
}
