import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { IDEMPOTENCY_KEY } from "../../proto/loms/v1/schemas.ts";
import { within } from "../../shared/async/clock.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError, type ErrorCode, type FieldViolation, toAppError } from "../../shared/errors.ts";
import {
  methodName,
  rpcAttributes,
  rpcErrorType,
  rpcStatusCode,
} from "../../shared/grpc/definition.ts";
import { causeOf } from "../../shared/telemetry/describe-error.ts";
import type { Logger } from "../../shared/telemetry/log.ts";
import { DURATION_BUCKETS, histogramFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import type { Tracing } from "../../shared/telemetry/tracing.ts";
import { invalidArgument, violationsOf } from "../../shared/violations.ts";
import type { MethodName, RpcMethod, RpcMethods } from "./methods.ts";

// What every call passes, over gRPC and through the HTTP gateway, outermost first: it is observed
// (log line, metric, span), its failure gets a code, it ends at its deadline, its request is
// validated.

const RPC_SERVER_CALL_DURATION_SECONDS = histogramFamily({
  name: "rpc_server_call_duration_seconds",
  help: "Calls of the methods of loms, over gRPC and through the HTTP gateway",
  labels: ["rpc_system_name", "rpc_method", "rpc_status_code", "error_type"],
  buckets: DURATION_BUCKETS,
});

/** The transport, as `rpc.system.name`; `http` is the gateway. */
export type RpcSystem = "grpc" | "http";

/** A call as a transport passes it. */
export interface RpcCall {
  readonly context: RequestContext;
  /**
   * The request before validation.
   * @throws {AppError} `invalid_argument` when it cannot be read
   */
  read(): unknown | Promise<unknown>;
  /** Every value that the caller sent under a key of the gRPC metadata, or an HTTP header. */
  metadata(key: string): readonly string[];
  /**
   * Called once the request is valid.
   * @throws {AppError} when the caller does not accept the format of the response
   */
  checkAnswerable?(): void;
}

/** Resolves with the response message; rejects only with {@link AppError}. */
export type RpcHandler = (call: RpcCall) => Promise<unknown>;

/** The handler of a method for a transport. */
export type Rpc = (name: MethodName, system: RpcSystem) => RpcHandler;

export interface RpcObservers {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}

export function createRpc(methods: RpcMethods, observers: RpcObservers): Rpc {
  return (name, system) => {
    const method = methods[name];
    const observe = observer(name, system, observers);
    return async (call) => {
      const startedAt = call.context.clock.now();
      let error: AppError | undefined;
      try {
        return await untilDeadline(call.context, () => handle(method, call));
      } catch (thrown) {
        error = toAppError(thrown);
        throw error;
      } finally {
        observe(call.context, startedAt, error);
      }
    };
  };
}

type Observe = (context: RequestContext, startedAt: number, error: AppError | undefined) => void;

/**
 * Measures each call by method, transport and status. A gRPC call also gets a log line and a span;
 * the HTTP listener records those of a request to the gateway.
 */
function observer(name: MethodName, system: RpcSystem, observers: RpcObservers): Observe {
  const { log, metrics, tracing } = observers;
  const durations = metrics.histogram(RPC_SERVER_CALL_DURATION_SECONDS);
  const method = methodName(LomsDefinition, name);
  const labelsOf = (code?: ErrorCode) => {
    const error_type = rpcErrorType(code);
    return {
      rpc_system_name: system,
      rpc_method: method,
      rpc_status_code: rpcStatusCode(code),
      ...(error_type && { error_type }),
    };
  };
  const labelsOfSuccess = labelsOf();
  const successes = durations.labels(labelsOfSuccess);
  return (context, startedAt, error) => {
    const durationMs = context.clock.now() - startedAt;
    const labels = error ? labelsOf(error.code) : labelsOfSuccess;
    const measured = error ? durations.labels(labels) : successes;
    measured.observe(durationMs / 1000);
    if (system === "http") return;
    const duration_ms = Math.round(durationMs * 1000) / 1000;
    logCall(log, { ...labels, duration_ms }, context, error);
    const { traceparent, parent } = context;
    if (!tracing.isSampled(traceparent)) return;
    tracing.record({
      ...{ traceparent, parent, name: method, kind: "server", startedAt, durationMs },
      attributes: rpcAttributes(method, error?.code),
      error: labels.error_type,
    });
  };
}

function logCall(
  log: Logger,
  fields: Record<string, unknown>,
  context: RequestContext,
  error: AppError | undefined,
): void {
  if (!error) return log.info("call", fields, context);
  const detail = error.message;
  switch (error.code) {
    case "internal":
      return log.error("call", { ...fields, detail, error }, context);
    case "unavailable":
    case "deadline_exceeded":
      return log.warn("call", { ...fields, detail, ...causeOf(error) }, context);
    default:
      return log.info("call", { ...fields, detail }, context);
  }
}

/**
 * Rejects at the deadline, whatever the work waits for: whether a write was made is then unknown.
 * A caller that cancels earlier is not observed: its write continues anyway, and listening to a
 * signal costs more than most calls.
 */
async function untilDeadline<Result>(
  context: RequestContext,
  work: () => Promise<Result>,
): Promise<Result> {
  const fail = () => {
    throw new AppError("deadline_exceeded", "the deadline has passed");
  };
  const remainingMs = context.remainingMs();
  return remainingMs === 0 ? fail() : within(context.clock, remainingMs, work(), fail);
}

/** Validates the request and calls the method with it. */
async function handle(method: RpcMethod, call: RpcCall): Promise<unknown> {
  const keys = method.takesIdempotencyKey ? call.metadata("idempotency-key") : [];
  const result = method.request.safeParse(await call.read());
  const violations = [
    ...violationsOfKey(keys),
    ...(result.error ? violationsOf(result.error) : []),
  ];
  if (!result.success || violations.length > 0) throw invalidArgument(violations);
  call.checkAnswerable?.();
  return await method.handle(result.data, { context: call.context, idempotencyKey: keys[0] });
}

/** The messages do not contain the key, which the caller knows. */
function violationsOfKey(keys: readonly string[]): FieldViolation[] {
  const [key] = keys;
  if (key === undefined || (keys.length === 1 && IDEMPOTENCY_KEY.test(key))) return [];
  const message = keys.length > 1
    ? `must be sent once, got ${keys.length}`
    : "must be 1 to 255 printable ASCII characters";
  return [{ path: "idempotency-key", message }];
}
