import { childTraceparent } from "../telemetry/traceparent.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { StatementObservation } from "./pool.ts";

export const DB_SYSTEM = "postgresql";

/**
 * A span for every statement of a pool, below the request that it serves and linked to the others
 * that it serves as well; give it to the pool as `observe`.
 */
export function statementSpans(tracing: Tracing): (observation: StatementObservation) => void {
  return (observation) => {
    const { role, namespace, name, kind, outcome, sqlState, context } = observation;
    const { startedAt, durationMs } = observation;
    if (!tracing.isSampled(context.traceparent)) return;
    tracing.record({
      traceparent: childTraceparent(context.traceparent),
      parent: context.traceparent,
      name,
      kind: "client",
      startedAt,
      durationMs,
      attributes: {
        "db.system.name": DB_SYSTEM,
        "db.namespace": namespace,
        "db.operation.name": kind,
        "db.query.summary": name,
        "db.client.connection.pool.name": role,
        ...(sqlState && { "db.response.status_code": sqlState }),
      },
      error: outcome === "ok" ? undefined : outcome,
      links: context.alsoServes,
    });
  };
}
