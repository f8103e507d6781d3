import type { Clock } from "../async/clock.ts";
import { AppError } from "../errors.ts";
import { serverAttributes } from "../telemetry/called-server.ts";
import { childTraceparent, type SpanEvent, type Tracing } from "../telemetry/tracing.ts";
import type { ProductMiddleware } from "./pipeline.ts";
import type { ProductServer } from "./product-server.ts";

/** To a client every answer from here on is an error. */
export const ERROR_STATUS_MIN = 400;
/** The `error.type` of a try that the network ended. */
export const NO_ANSWER = "no_answer";
const STATUS = "http.response.status_code";

export interface ProductSpans {
  readonly aroundCall: ProductMiddleware;
  readonly aroundTry: ProductMiddleware;
}

/** A call to the product service is a span, from its wait for its turn on; its tries are events. */
export function productSpans(
  tracing: Tracing,
  clock: Clock,
  server: ProductServer,
): ProductSpans {
  const fixed = { "http.request.method": "POST", ...serverAttributes(server) };
  const triesOf = new Map<string, SpanEvent[]>();

  const aroundCall: ProductMiddleware = (next) => async (call) => {
    if (!tracing.isSampled(call.traceparent)) return await next(call);
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
          ...fixed,
          "url.full": `${server.url}/${call.method}`,
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
    let status: number | undefined;
    try {
      const answer = await next(call);
      status = answer.status;
      return answer;
    } finally {
      const attributes = {
        "http.request.resend_count": tries.length,
        ...(status === undefined ? { "error.type": NO_ANSWER } : { [STATUS]: status }),
        "marketplace.duration_ms": clock.now() - at,
      };
      tries.push({ name: tries.length === 0 ? "try" : "retry", at, attributes });
    }
  };

  return { aroundCall, aroundTry };
}

function lastOutcome(tries: readonly SpanEvent[]): string {
  return String(tries.at(-1)?.attributes[STATUS] ?? NO_ANSWER);
}

function statusOf(tries: readonly SpanEvent[]) {
  const status = tries.at(-1)?.attributes[STATUS];
  return status === undefined ? {} : { [STATUS]: status };
}
