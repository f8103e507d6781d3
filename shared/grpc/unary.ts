import type { sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import { RequestContext } from "../async/request-context.ts";
import { AppError, toAppError } from "../errors.ts";
import { parseTraceparent, type StartTraceparent } from "../telemetry/traceparent.ts";
import { decodeMessage, encodeMessage, type UnaryMethodDefinition } from "./definition.ts";
import type { ErrorDetail } from "./error-details.ts";
import { toGrpcStatus } from "./status.ts";

/** How long a call may take whose caller sets no deadline. */
const CALL_TIMEOUT_MS = 5_000;
/** A caller that would wait longer holds a place that somebody else could have. */
const CALL_TIMEOUT_MAX_MS = 60_000;
/** A caller counts its time from before the request is on its way. */
const CALLER_AHEAD_MS = 20;

/** A call as a handler gets it. */
export interface IncomingCall {
  /** Deadline and cancellation are the caller's; its place in the trace is below the caller's. */
  readonly context: RequestContext;
  /** Every value that the caller sent under `key`. */
  metadata(key: string): readonly string[];
  /**
   * The request message.
   * @throws {AppError} `invalid_argument` when the bytes are no such message
   */
  read(): unknown;
}

/** Resolves with the response message. */
export type UnaryHandler = (call: IncomingCall) => Promise<unknown>;

type Call = ServerUnaryCall<Buffer, Buffer>;

export interface UnaryOptions {
  readonly method: UnaryMethodDefinition;
  readonly handler: UnaryHandler;
  readonly errorDetails: readonly ErrorDetail[];
  readonly place: StartTraceparent;
  readonly underWay: CallsUnderWay;
}

/** What fails each call that is not answered yet. */
export type CallsUnderWay = Set<(error: AppError) => void>;

/** Answers all calls under way; what their handlers come to later is told to nobody. */
export function turnAway(underWay: CallsUnderWay): void {
  const error = new AppError("unavailable", "the server stops");
  for (const fail of underWay) fail(error);
  underWay.clear();
}

/** The handler in the form that grpc-js calls, with messages as bytes. */
export function answerUnary(options: UnaryOptions) {
  const { method, handler, errorDetails, place, underWay } = options;
  return async (call: Call, callback: sendUnaryData<Buffer>): Promise<void> => {
    const context = contextOf(call, place);
    const fail = (error: unknown) =>
      callback(toGrpcStatus(toAppError(error), errorDetails, context.traceId));
    underWay.add(fail);
    try {
      const response = await handler({
        context,
        metadata: (key) => call.metadata.get(key).map(String),
        read: () => readRequest(method, call.request),
      });
      const bytes = encodeMessage(method.responseType, response);
      if (underWay.delete(fail)) callback(null, bytes);
    } catch (error) {
      if (underWay.delete(fail)) fail(error);
    } finally {
      context.close();
    }
  };
}

function readRequest(method: UnaryMethodDefinition, bytes: Buffer): unknown {
  try {
    return decodeMessage(method.requestType, bytes);
  } catch (cause) {
    throw new AppError("invalid_argument", `The request is no ${method.name} message`, { cause });
  }
}

function contextOf(call: Call, place: StartTraceparent): RequestContext {
  const parent = parseTraceparent(call.metadata.get("traceparent")[0]?.toString());
  const deadlineAt = Number(call.getDeadline());
  return new RequestContext({
    traceparent: place(parent),
    parent,
    timeoutMs: deadlineAt === Infinity
      ? CALL_TIMEOUT_MS
      : Math.min(deadlineAt - Date.now(), CALL_TIMEOUT_MAX_MS),
    caller: {
      get signal() {
        return signalOf(call, deadlineAt);
      },
    },
  });
}

/**
 * grpc-js says `cancelled` when the caller leaves and also when its deadline has passed. At its
 * deadline the caller leaves as well, and its message may come before the deadline here.
 */
function signalOf(call: Call, deadlineAt: number): AbortSignal {
  const controller = new AbortController();
  const abort = () => {
    controller.abort(
      Date.now() >= deadlineAt - CALLER_AHEAD_MS
        ? new AppError("deadline_exceeded", "the deadline has passed")
        : new AppError("unavailable", "the caller left"),
    );
  };
  if (call.cancelled) abort();
  else call.once("cancelled", abort);
  return controller.signal;
}
