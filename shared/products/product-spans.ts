import type { Clock } from "../async/clock.ts";
import { AppError } from "../errors.ts";
import { childTraceparent } from "../telemetry/traceparent.ts";
import type { SpanEvent, Tracing } from "../telemetry/tracing.ts";
import type { ProductMiddleware } from "./product-call.ts";

/** From here on an answer is an error to who asked. */
const ERROR_STATUS_MIN = 400;
const NO_ANSWER = "no_answer";

export interface ProductSpans {
  readonly aroundCall: ProductMiddleware;
  readonly aroundTry: ProductMiddleware;
}

/** A call to the product service is a span, from its wait for its turn on; its tries are events. */
export function productSpans(tracing: Tracing, clock: Clock): ProductSpans {
  const triesOf = new Map<string, SpanEvent[]>();

  const aroundCall: ProductMiddleware = (next) => async (call) => {
    if (!tracing.keeps(call.traceparent)) return await next(call);
    const traceparent = childTraceparent(call.traceparent);
    const tries: SpanEvent[] = [];
    triesOf.set(traceparent, tries);
    const startedAt = clock.now();
    let error: string | undefined;
    try {
      const answer = await next({ ...call, traceparent });
      if (answer.status >= ERROR_STATUS_MIN) error = String(answer.status);
      return answer;
    } catch (thrown) {
      error = thrown instanceof AppError ? thrown.code : lastOutcome(tries);
      throw thrown;
    } finally {
      triesOf.delete(traceparent);
      tracing.record({
        traceparent,
        parent: call.traceparent,
        name: `POST /${call.method}`,
        kind: "client",
        startedAt,
        durationMs: clock.now() - startedAt,
        attributes: {
          "http.request.method": "POST",
          "url.template": `/${call.method}`,
          "http.request.resend_count": Math.max(0, tries.length - 1),
          ...statusOf(tries),
        },
        events: tries,
        error,
      });
    }
  };

  const aroundTry: ProductMiddleware = (next) => async (call) => {
    const tries = triesOf.get(call.traceparent);
    if (!tries) return await next(call);
    const at = clock.now();
    let outcome: string | number = NO_ANSWER;
    try {
      const answer = await next(call);
      outcome = answer.status;
      return answer;
    } finally {
      const duration_ms = clock.now() - at;
      const attributes = { number: tries.length + 1, outcome, duration_ms };
      tries.push({ name: tries.length === 0 ? "try" : "retry", at, attributes });
    }
  };

  return { aroundCall, aroundTry };
}

function lastOutcome(tries: readonly SpanEvent[]): string {
  return String(tries.at(-1)?.attributes["outcome"] ?? NO_ANSWER);
}

function statusOf(tries: readonly SpanEvent[]) {
  const outcome = tries.at(-1)?.attributes["outcome"];
  return typeof outcome === "number" ? { "http.response.status_code": outcome } : {};
}
