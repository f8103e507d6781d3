import { causeOf } from "../telemetry/describe-error.ts";
import type { LogFields, Logger } from "../telemetry/log.ts";
import type { Exchange, HttpObserver } from "./exchange.ts";
import { PROBE_ROUTES } from "./probe-routes.ts";
import { STATUS_BY_CODE } from "./problem.ts";
import { methodAttribute, serverErrorType } from "./request-attributes.ts";

/** Logs one line a request, and with it the error that it met; a probe that is well at debug. */
export function requestLog(log: Logger): HttpObserver {
  return {
    requestEnded(exchange) {
      const fields = lineOf(exchange);
      const { error, context } = exchange;
      if (error?.code === "internal") log.error("request", { ...fields, error }, context);
      else if (exchange.status >= STATUS_BY_CODE.internal) log.warn("request", fields, context);
      else if (PROBE_ROUTES.has(exchange.route ?? "")) log.debug("request", fields, context);
      else log.info("request", fields, context);
    },
  };
}

function lineOf(exchange: Exchange): LogFields {
  const { method, route, status, bytes, requestId, error } = exchange;
  const known = methodAttribute(method);
  const line = {
    http_request_method: known,
    ...(known !== method && { http_request_method_original: method }),
    ...(route !== undefined && { http_route: route }),
    http_response_status_code: status,
    http_response_body_size: bytes,
    duration_ms: Math.round(exchange.durationMs * 1000) / 1000,
    request_id: requestId,
  };
  if (!error) return line;
  const refused = { ...line, code: error.code, detail: error.message };
  // A caller learns that we are away; only the log says why.
  return status >= STATUS_BY_CODE.internal
    ? { ...refused, error_type: serverErrorType(exchange), ...causeOf(error) }
    : refused;
}
