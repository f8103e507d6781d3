import { causeOf } from "../telemetry/describe-error.ts";
import type { LogFields, Logger } from "../telemetry/log.ts";
import type { Exchange, HttpObserver } from "./exchange.ts";
import { PROBE_ROUTES } from "./probe-routes.ts";
import { STATUS_BY_CODE } from "./problem.ts";

/** Logs one line a request, and with it the error that it met; a probe that is well at debug. */
export function requestLog(log: Logger): HttpObserver {
  return {
    requestEnded(exchange) {
      const fields = lineOf(exchange);
      const { error, context } = exchange;
      if (error?.code === "internal") log.error("request", { ...fields, error }, context);
      else if (exchange.status >= STATUS_BY_CODE.internal) log.warn("request", fields, context);
      else if (PROBE_ROUTES.has(exchange.route)) log.debug("request", fields, context);
      else log.info("request", fields, context);
    },
  };
}

function lineOf(exchange: Exchange): LogFields {
  const { method, route, status, bytes, requestId, error } = exchange;
  const duration_ms = Math.round(exchange.durationMs * 1000) / 1000;
  const line = { method, route, status, duration_ms, bytes, request_id: requestId };
  if (!error) return line;
  // Callers are told that we are away; why we are is for whoever runs this.
  const cause = status >= STATUS_BY_CODE.internal ? causeOf(error) : {};
  return { ...line, code: error.code, detail: error.message, ...cause };
}
