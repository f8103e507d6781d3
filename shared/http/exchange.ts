import type { RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { z } from "zod";
import type { Clock, RequestContext } from "../async/request-context.ts";
import type { AppError } from "../errors.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Tracing } from "../telemetry/tracing.ts";

export interface HttpEnv {
  Variables: { exchange: Exchange };
}

export type HttpContext = Context<HttpEnv>;

/** Compressing a large answer takes a while. */
export type Answered = Response | Promise<Response>;

/** One method of one path; parameters of `path` are written as `{user_id}`. */
export interface MountedRoute {
  readonly method: string;
  readonly path: string;
  /** The route in the OpenAPI document; undefined if it is not documented. */
  readonly document?: RouteConfig;
  run(c: HttpContext): Answered;
}

/** One request and its answer, for the log, the metrics and the span. */
export interface Exchange {
  readonly method: string;
  readonly context: RequestContext;
  /** The caller's `X-Request-Id` or, without a valid one, the id of the span. */
  readonly requestId: string;
  /** The origin of the page that sent the request, if it may use this service. */
  readonly origin: string | undefined;
  /** By `context.clock`, in ms. */
  readonly startedAt: number;
  /**
   * The route's pattern, such as `/user/{user_id}/cart`; undefined if the path matches no route.
   */
  route: string | undefined;
  status: number;
  /** Size of the answer's body. */
  bytes: number;
  /** The error of a failed request. */
  error: AppError | undefined;
}

export interface HttpAppOptions {
  /** Logs every request. */
  readonly log?: Logger;
  readonly metrics?: Metrics;
  readonly tracing?: Tracing;
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  /** Origins of other pages that may call this service from a browser. */
  readonly origins?: readonly string[];
}

type RequestOf<Route> = Route extends { request: infer Request } ? Request : never;
type ParsedParams<Request> = Request extends { params: infer Schema }
  ? Schema extends z.ZodType ? z.output<Schema> : undefined
  : undefined;
type ParsedBody<Request> = Request extends
  { body: { content: { "application/json": { schema: infer Schema } } } }
  ? Schema extends z.ZodType ? z.output<Schema> | Missing<Request> : undefined
  : undefined;
type Missing<Request> = Request extends { body: { required: false } } ? undefined : never;

/** The input of a handler: the outputs of the route's schemas. */
export interface EndpointInput<Route> {
  readonly params: ParsedParams<RequestOf<Route>>;
  readonly body: ParsedBody<RequestOf<Route>>;
}

/** The output of a handler; without `body` the answer has none. Bigints become integers. */
export interface EndpointAnswer {
  readonly status: 200 | 204;
  readonly body?: object;
}
