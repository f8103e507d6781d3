import type { z } from "zod";
import type { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";

export type MethodName = keyof LomsDefinition["methods"];

/** What a method answers: the message of the .proto file, whose fields are those of the JSON. */
export type ResponseOf<Name extends MethodName> = ReturnType<
  LomsDefinition["methods"][Name]["responseType"]["decode"]
>;

/** One call, as a transport hands it in and the interceptors pass it on. */
export interface RpcCall {
  readonly method: MethodName;
  /** The transport, as `rpc.system.name` says it; `http` is the gateway. */
  readonly system: "grpc" | "http";
  readonly context: RequestContext;
  /**
   * The request as the door found it, before any rule is applied.
   * @throws {AppError} `invalid_argument` when it cannot be read
   */
  read(): unknown | Promise<unknown>;
  /**
   * Called once the request is known to be valid.
   * @throws {AppError} when the caller takes no answer that this door can give
   */
  checkAnswerable?(): void;
  /** Every value of the idempotency key that the caller sent. */
  readonly idempotencyKeys: readonly string[];
}

/** A call whose request follows the rules of its method. */
export interface ValidCall {
  readonly context: RequestContext;
  readonly idempotencyKey: string | undefined;
}

/** A method as both doors serve it. */
export interface RpcMethod<Request = unknown, Response = unknown> {
  /** The rules of a request, and what becomes of it. */
  readonly request: z.ZodType<Request>;
  /** Whether a caller may send an idempotency key. The others read none. */
  readonly takesIdempotencyKey?: true;
  // Method syntax: a table holds methods of any request.
  handle(request: Request, call: ValidCall): Promise<Response>;
}

export type RpcMethods = Readonly<Record<MethodName, RpcMethod>>;

export type Next = (call: RpcCall) => Promise<unknown>;

/** A rule around every call of both doors. */
export type Interceptor = (call: RpcCall, next: Next) => Promise<unknown>;
