import { toAppError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/telemetry/log.ts";
import type { Interceptor, RpcCall } from "./method.ts";

/** One line a call: which method, how it ended and how long it took; a defect with its stack. */
export function logging(log: Logger): Interceptor {
  return async (call, next) => {
    const startedAt = call.context.clock.now();
    try {
      const response = await next(call);
      log.info("call", line(call, "ok", startedAt), call.context);
      return response;
    } catch (thrown) {
      const error = toAppError(thrown);
      const fields = { ...line(call, error.code, startedAt), detail: error.message };
      switch (error.code) {
        case "internal":
          log.error("call", { ...fields, error }, call.context);
          break;
        case "unavailable":
        case "deadline_exceeded":
          log.warn("call", { ...fields, ...causeOf(error) }, call.context);
          break;
        default:
          log.info("call", fields, call.context);
      }
      throw error;
    }
  };
}

function line({ method, door, context, requestId }: RpcCall, code: string, startedAt: number) {
  const duration_ms = Math.round((context.clock.now() - startedAt) * 1000) / 1000;
  const line = { method, door, code, duration_ms };
  return requestId === undefined ? line : { ...line, request_id: requestId };
}

/** Callers are told that we are away; why we are is for whoever runs this. */
function causeOf({ cause }: Error) {
  return cause === undefined ? {} : { cause: String(cause) };
}
