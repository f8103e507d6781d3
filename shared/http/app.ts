import { OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { type Clock, systemClock } from "../async/clock.ts";
import { RequestContext } from "../async/request-context.ts";
import { AppError } from "../errors.ts";
import { childTraceparent, parseTraceparent, type PlaceInTrace } from "../telemetry/traceparent.ts";
import { type Answered, answerProblem, answerText } from "./answer.ts";
import { allowOrigins } from "./cors.ts";
import { Exchange, type HttpContext, type HttpEnv, type HttpObserver } from "./exchange.ts";
import { nodeIncoming } from "./node-incoming.ts";
import { PROBE_ROUTES } from "./probe-routes.ts";
import { HttpRefusal } from "./problem.ts";
import { ASTERISK, pathAndQuery } from "./request-target.ts";

/** How long a request may take unless the service says otherwise. */
export const REQUEST_TIMEOUT_MS = 5_000;

export type HttpApp = OpenAPIHono<HttpEnv>;

/** One verb on one path; `path` writes its parameters as `{user_id}`. */
export interface MountedRoute {
  readonly method: string;
  readonly path: string;
  /** How the OpenAPI document describes it; without one it is not in there. */
  readonly document?: RouteConfig;
  run(c: HttpContext): Response | Promise<Response>;
}

export interface HttpAppOptions {
  readonly observers: readonly HttpObserver[];
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  /** Whose pages may use this service from a browser, beside its own. */
  readonly origins?: readonly string[];
  /** Gives each request its place in a trace, unless a machine asks how the service is. */
  readonly place?: PlaceInTrace;
}

/** An app whose every failure is a problem body; routes come onto it with {@link mount}. */
export function createHttpApp(options: HttpAppOptions): HttpApp {
  const app = new OpenAPIHono<HttpEnv>({ getPath: rawPath });
  app.use("*", observed(options));
  if (options.origins?.length) app.use("*", allowOrigins(options.origins));
  app.notFound((c) => answerProblem(c, new AppError("not_found", "There is no such route")));
  app.onError((error, c) => answerProblem(c, error));
  return app;
}

/** Mounts all routes of a service at once, since the order in which the router sees them counts. */
export function mount(app: HttpApp, routes: readonly MountedRoute[]): void {
  const byPath = Map.groupBy(routes, (route) => route.path);
  const paths = [...byPath.keys()].sort((a, b) => sortKey(a) < sortKey(b) ? -1 : 1);
  for (const path of paths) {
    const sameRoute = byPath.get(path) ?? [];
    app.all(path.replaceAll(/\{(.+?)\}/g, ":$1"), dispatcher(path, sameRoute));
  }
  for (const { document } of routes) {
    if (document) app.openAPIRegistry.registerPath(document);
  }
}

/** Fixed words come before parameters: `/cart/list` is a route, never a SKU. */
function sortKey(path: string): string {
  return path.replaceAll(/\{.+?\}/g, "\uffff");
}

/** One handler for all verbs of a path, so that a verb it lacks is told from a path that is not. */
function dispatcher(path: string, routes: readonly MountedRoute[]) {
  const byMethod = new Map<string, MountedRoute["run"]>();
  for (const { method, run } of routes) {
    byMethod.set(method.toUpperCase(), run);
    if (method === "get") byMethod.set("HEAD", run);
  }
  const allow = [...byMethod.keys()].join(", ");
  return async (c: HttpContext): Promise<Response> => {
    c.get("exchange").route = path;
    const run = byMethod.get(c.req.method);
    try {
      if (!run && c.req.method === "OPTIONS") return answerText(c, 204, null, { allow });
      if (!run) throw new HttpRefusal(405, `${path} takes ${allow}`, allow);
      return await run(c);
    } catch (error) {
      return answerProblem(c, error);
    }
  };
}

/** Opens an exchange for each request and tells the observers of it once it is answered. */
function observed(options: HttpAppOptions): MiddlewareHandler<HttpEnv> {
  const { observers, timeoutMs = REQUEST_TIMEOUT_MS, clock = systemClock } = options;
  const { place = childTraceparent } = options;
  return async (c, next) => {
    const parent = parseTraceparent(c.req.raw.headers.get("traceparent"));
    const traceparent = parent === undefined && PROBE_ROUTES.has(c.req.path)
      ? childTraceparent(parent)
      : place(parent);
    const context = new RequestContext({ traceparent, timeoutMs, caller: c.req.raw, clock });
    const exchange = new Exchange(c.req.raw, context, parent);
    c.set("exchange", exchange);
    const answer = answerToMessage(c);
    if (answer) c.res = await answer;
    else await next();
    exchange.durationMs = clock.now() - exchange.startedAt;
    context.close();
    for (const observer of observers) observer.requestEnded(exchange);
  };
}

/** The answer that no route gives: to a malformed message, and to OPTIONS of the server as a whole. */
function answerToMessage(c: HttpContext): Answered | undefined {
  const incoming = nodeIncoming(c.env);
  if (incoming?.fault) return answerProblem(c, new AppError("invalid_argument", incoming.fault));
  return incoming?.target === ASTERISK ? answerText(c, 204, null, {}) : undefined;
}

/**
 * The path as it was sent, without a trailing slash. Hono's own decodes percent signs, which would
 * let `/cart/%6cist` be the list, and a Request has followed `..` already.
 */
function rawPath(request: Request, options?: { env?: unknown }): string {
  const target = nodeIncoming(options?.env)?.target ?? pathAndQuery(request.url, request.method);
  if (target === undefined) return "/";
  const end = target.search(/[?#]/);
  const path = end < 0 ? target : target.slice(0, end);
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
