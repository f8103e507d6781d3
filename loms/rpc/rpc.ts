import type { z } from "zod";
import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import {
  IDEMPOTENCY_KEY,
  orderCancelRequest,
  orderCreateRequest,
  orderInfoRequest,
  orderListRequest,
  orderPayRequest,
  stocksInfoListRequest,
  stocksInfoRequest,
} from "../../proto/loms/v1/schemas.ts";
import { type RequestContext, within } from "../../shared/async/request-context.ts";
import {
  AppError,
  type ErrorCode,
  type FieldViolation,
  isUnknownOutcome,
  toAppError,
} from "../../shared/errors.ts";
import { causeOf } from "../../shared/telemetry/describe-error.ts";
import type { Logger } from "../../shared/telemetry/log.ts";
import { DURATION_BUCKETS, histogramFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import { rpcAttributes, rpcStatusCode, type Tracing } from "../../shared/telemetry/tracing.ts";
import { invalidArgument, violationsOf } from "../../shared/violations.ts";
import type { Deps, ListedOrder, OrderItem } from "../domain/deps.ts";
import { orderCancel, orderPay } from "../domain/order-change.ts";
import { orderCreate, orderTotalPrice } from "../domain/order-create.ts";
import { orderInfo } from "../domain/order-info.ts";
import { stocksInfo, stocksInfoList } from "../domain/stocks-info.ts";
import { orderPageToken, readOrderPageToken } from "./order-page-token.ts";

// The chain of every call, over gRPC and the HTTP gateway, outermost first: observe it (log line,
// metric, span), map a failure to a code, end the call at its deadline, validate its request.

const RPC_SERVER_CALL_DURATION_SECONDS = histogramFamily({
  name: "rpc_server_call_duration_seconds",
  help: "Calls of loms, over gRPC and through the HTTP gateway",
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
   * @throws {AppError} `invalid_argument` if it is malformed
   */
  read(): unknown | Promise<unknown>;
  /** Every value that the caller sent under a key of the gRPC metadata, or in an HTTP header. */
  metadata(key: string): readonly string[];
  /**
   * Called once the request is valid.
   * @throws {AppError} if the caller does not accept the format of the response
   */
  checkAnswerable?(): void;
}

/** Resolves with the response message; rejects only with {@link AppError}. */
export type RpcHandler = (call: RpcCall) => Promise<unknown>;

/** The handler of a method, for a transport. */
export type Rpc = (name: MethodName, system: RpcSystem) => RpcHandler;

export interface RpcObservers {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}

/** The methods of loms, for both transports. */
export function createRpc(deps: Deps, observers: RpcObservers): Rpc {
  const methods = rpcMethods(deps);
  return (name, system) => {
    const method = methods[name];
    const observe = observer(name, system, observers);
    return async (call) => {
      const { context } = call;
      const startedAt = context.clock.now();
      let error: AppError | undefined;
      try {
        const remainingMs = context.remainingMs();
        if (remainingMs === 0) failLate();
        return await within(context.clock, remainingMs, handle(method, call), failLate);
      } catch (thrown) {
        throw error = toAppError(thrown);
      } finally {
        observe(context, startedAt, error);
      }
    };
  };
}

/**
 * At its deadline a call ends, whatever the work waits for: whether a write was made is then
 * unknown. A caller that cancels earlier is not observed: its write continues, and listening
 * to a signal costs more than most calls.
 */
function failLate(): never {
  throw new AppError("deadline_exceeded", "the deadline has passed");
}

type Observe = (context: RequestContext, startedAt: number, error: AppError | undefined) => void;

/**
 * Measures each call by method, transport and status. A gRPC call also gets a log line and a span;
 * the HTTP listener records those of the gateway.
 */
function observer(name: MethodName, system: RpcSystem, observers: RpcObservers): Observe {
  const { log, metrics, tracing } = observers;
  const durations = metrics.histogram(RPC_SERVER_CALL_DURATION_SECONDS);
  const rpc_method = `${LomsDefinition.fullName}/${LomsDefinition.methods[name].name}`;
  const labelsOf = (code?: ErrorCode) => {
    const error_type = rpcErrorType(code);
    const rpc_status_code = rpcStatusCode(code);
    return {
      rpc_system_name: system,
      rpc_method,
      rpc_status_code,
      ...error_type && { error_type },
    };
  };
  const labelsOfSuccess = labelsOf();
  const successes = durations.labels(labelsOfSuccess);
  return (context, startedAt, error) => {
    const durationMs = context.clock.now() - startedAt;
    const labels = error ? labelsOf(error.code) : labelsOfSuccess;
    (error ? durations.labels(labels) : successes).observe(durationMs / 1000);
    if (system === "http") return;
    const duration_ms = Math.round(durationMs * 1000) / 1000;
    logCall(log, { ...labels, duration_ms }, context, error);
    const { traceparent, parent } = context;
    if (!tracing.isSampled(traceparent)) return;
    tracing.record({
      ...{ traceparent, parent, name: rpc_method, kind: "server", startedAt, durationMs },
      attributes: rpcAttributes(rpc_method, error?.code),
      error: labels.error_type,
    });
  };
}

/** Only failures of the server count as errors, as in OpenTelemetry's conventions. */
function rpcErrorType(code: ErrorCode | undefined): string | undefined {
  return code && isUnknownOutcome(code) ? rpcStatusCode(code) : undefined;
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

const NO_KEYS: readonly string[] = [];

/** Validates the request and calls the method with it. */
async function handle(method: RpcMethod, call: RpcCall): Promise<unknown> {
  const keys = method.takesIdempotencyKey ? call.metadata("idempotency-key") : NO_KEYS;
  const request = call.read();
  const result = method.request.safeParse(request instanceof Promise ? await request : request);
  const violations = [
    ...violationsOfKey(keys),
    ...(result.error ? violationsOf(result.error) : []),
  ];
  if (!result.success || violations.length > 0) throw invalidArgument(violations);
  call.checkAnswerable?.();
  return await method.handle(result.data, call.context, keys[0]);
}

/** The messages do not repeat the key. */
function violationsOfKey(keys: readonly string[]): FieldViolation[] {
  const [key] = keys;
  if (key === undefined || (keys.length === 1 && IDEMPOTENCY_KEY.test(key))) return [];
  const message = keys.length > 1
    ? `must be sent once, got ${keys.length}`
    : "must be 1 to 255 printable ASCII characters";
  return [{ path: "idempotency-key", message }];
}

export type MethodName = keyof LomsDefinition["methods"];

/** The response message of a method; its fields are those of the JSON. */
type ResponseOf<Name extends MethodName> = ReturnType<
  LomsDefinition["methods"][Name]["responseType"]["decode"]
>;

/** Handles a valid request. */
type Handle<Request, Response> = (
  request: Request,
  context: RequestContext,
  idempotencyKey: string | undefined,
) => Promise<Response>;

interface RpcMethod<Response = unknown> {
  /** Validates and normalizes a request. */
  readonly request: z.ZodType;
  /** Whether a caller may send an idempotency key; other methods ignore it. */
  readonly takesIdempotencyKey?: true;
  readonly handle: Handle<unknown, Response>;
}

type RpcMethods = { readonly [Name in MethodName]: RpcMethod<ResponseOf<Name>> };

function rpcMethods(deps: Deps): RpcMethods {
  return {
    orderCreate: {
      ...defineMethod(orderCreateRequest, async ({ user, items }, context, idempotencyKey) => {
        const input = { userId: user, items, idempotencyKey };
        return { orderID: await orderCreate(deps, input, context) };
      }),
      takesIdempotencyKey: true,
    },
    orderInfo: defineMethod(orderInfoRequest, async ({ orderID }, context) => {
      const { status, userId, items, reason } = await orderInfo(deps, orderID, context);
      return {
        ...{ status, user: userId, items: [...items] },
        ...totalPriceOf(items),
        ...reason !== undefined && { reason },
      };
    }),
    orderList: defineMethod(orderListRequest, async (request, context) => {
      const { user, statuses, page_size, page_token } = request;
      const filter = { user, statuses };
      const before = page_token === "" ? undefined : readOrderPageToken(page_token, filter);
      if (page_token !== "" && before === undefined) throw invalidArgument([WRONG_TOKEN]);
      const input = { userId: user, statuses, pageSize: page_size, before };
      const { orders, next } = await deps.orderPages.orderList(input, context);
      return {
        orders: orders.map(toListedOrder),
        next_page_token: next === undefined ? "" : orderPageToken(next, filter),
      };
    }),
    orderPay: defineMethod(orderPayRequest, async ({ orderID }, context) => {
      await orderPay(deps, orderID, context);
      return {};
    }),
    orderCancel: defineMethod(orderCancelRequest, async ({ orderID }, context) => {
      await orderCancel(deps, orderID, context);
      return {};
    }),
    stocksInfo: defineMethod(stocksInfoRequest, async ({ sku }, context) => (
      { count: await stocksInfo(deps, sku, context) }
    )),
    stocksInfoList: defineMethod(stocksInfoListRequest, async ({ skus }, context) => (
      { items: await stocksInfoList(deps, skus, context) }
    )),
  };
}

const WRONG_TOKEN = {
  path: "page_token",
  message: "must be the next_page_token of a page with this user and these statuses",
};

function toListedOrder({ orderId, status, createdAt, items }: ListedOrder) {
  return {
    ...{ orderID: orderId, status, created_at: createdAt, items: [...items] },
    ...totalPriceOf(items),
  };
}

/** Omitted if a line has no price. */
function totalPriceOf(items: readonly OrderItem[]): { total_price?: bigint } {
  const total_price = orderTotalPrice(items);
  return total_price === undefined ? {} : { total_price };
}

/** Infers the type of the request from its schema. */
function defineMethod<Request, Response>(
  request: z.ZodType<Request>,
  handle: Handle<Request, Response>,
): RpcMethod<Response> {
  return { request, handle: handle as Handle<unknown, Response> };
}
