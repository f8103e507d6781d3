import type { RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { RequestContext } from "../async/request-context.ts";
import type { AppError } from "../errors.ts";

export interface HttpEnv {
  Variables: { exchange: Exchange };
}

export type HttpContext = Context<HttpEnv>;

/** A large answer is compressed, which takes a moment. */
export type Answered = Response | Promise<Response>;

/** One method of one path; parameters of `path` are written as `{user_id}`. */
export interface MountedRoute {
  readonly method: string;
  readonly path: string;
  /** The route in the OpenAPI document; one without is not in the document. */
  readonly document?: RouteConfig;
  run(c: HttpContext): Answered;
}

/** One request and its answer, for the log, the metrics and the span. */
export interface Exchange {
  readonly method: string;
  readonly context: RequestContext;
  /** The caller's `X-Request-Id` or, without a valid one, the id of the span. */
  readonly requestId: string;
  /** Of the page that sent the request, if it is one that may use this service. */
  readonly origin: string | undefined;
  /** By `context.clock`, in ms. */
  readonly startedAt: number;
  /** The route's pattern, as `/user/{user_id}/cart`; undefined when the path matches no route. */
  route: string | undefined;
  status: number;
  /** Size of the answer's body. */
  bytes: number;
  /** Why the request failed. */
  error: AppError | undefined;
}
