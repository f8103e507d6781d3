import { Buffer } from "node:buffer";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Handler, NotFoundHandler } from "hono";
import type { Result, Router } from "hono/router";
import { type Clock, RequestContext, systemClock } from "../async/request-context.ts";
import { AppError, toAppError } from "../errors.ts";
import { jsonIntegers } from "../json.ts";
import { causeOf } from "../telemetry/describe-error.ts";
import type { Logger } from "../telemetry/log.ts";
import { DURATION_BUCKETS, histogramFamily, type Metrics } from "../telemetry/metrics.ts";
import {
  childTraceparent,
  NO_TRACING,
  parseTraceparent,
  type SpanRecord,
  type Tracing,
} from "../telemetry/tracing.ts";
import { allowOrigin, isPreflight, PREFLIGHT_HEADERS } from "./cors.ts";
import type { Answered, Exchange, HttpContext, HttpEnv, MountedRoute } from "./exchange.ts";
import { ASTERISK, rawPath, requestHead } from "./listen.ts";
import { acceptsGzip, GZIP_MIN_BYTES, gzipped, isCompressible } from "./negotiation.ts";
import {
  CONSTANT_HEADERS,
  HttpError,
  problemHeaders,
  problemOf,
  STATUS_BY_CODE,
} from "./problem.ts";

/** Default timeout of a request. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Allows the ids that proxies make; safe in a log line and in a header. */
const REQUEST_ID = /^[A-Za-z0-9._:+/=@-]{1,128}$/;
const JSON_HEADERS = { ...CONSTANT_HEADERS, "content-type": "application/json" };
/** Monitoring requests these every few seconds: logged at debug, and no trace starts there. */
export const PROBE_ROUTES: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);
/** The methods of RFC 9110, PATCH and QUERY, as in OpenTelemetry's semantic conventions. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(
  ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"],
);

export const HTTP_SERVER_REQUEST_DURATION_SECONDS = histogramFamily({
  name: "http_server_request_duration_seconds",
  help: "Answered requests, by route",
  labels: [
    "http_request_method",
    "http_route",
    "http_response_status_code",
    "url_scheme",
    "error_type",
  ],
  buckets: DURATION_BUCKETS,
});

export type HttpApp = OpenAPIHono<HttpEnv> & { readonly inExchange: InExchange };

/** Makes the handler of a path; `route` is its pattern, if it has one. */
type InExchange = (route: string | undefined, run: MountedRoute["run"]) => Handler<HttpEnv>;

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

/** An app whose every failure is answered with a problem body; {@link mount} adds the routes. */
export function createHttpApp(options: HttpAppOptions = {}): HttpApp {
  const inExchange = exchanges(options);
  const app = new OpenAPIHono<HttpEnv>({ getPath: rawPath, router: new FirstMatchRouter() });
  app.notFound(inExchange(undefined, () => {
    throw new AppError("not_found", "There is no such route");
  }) as NotFoundHandler<HttpEnv>);
  return Object.assign(app, { inExchange });
}

/** Mounts all routes of a service at once, because the router matches in mounting order. */
export function mount(app: HttpApp, routes: readonly MountedRoute[]): void {
  // A brace sorts after letters, so fixed segments come first: `/cart/list` is never a SKU.
  const byPath = [...Map.groupBy(routes, ({ path }) => path)].sort(([a], [b]) => a < b ? -1 : 1);
  for (const [path, own] of byPath) app.all(path, app.inExchange(path, dispatcher(path, own)));
  for (const { document } of routes) {
    if (document) app.openAPIRegistry.registerPath(document);
  }
}

/** Takes the first route that matches; Hono's own routers collect all of them. */
class FirstMatchRouter<Value> implements Router<Value> {
  readonly name = "FirstMatchRouter";
  readonly #routes: { readonly pattern: RegExp; readonly result: Result<Value> }[] = [];

  add(_method: string, path: string, value: Value): void {
    const pattern = path.replaceAll(".", "\\.").replaceAll(/\{.+?\}/g, "[^/]+");
    this.#routes.push({ pattern: new RegExp(`^${pattern}$`), result: [[[value, {}]]] });
  }

  match(_method: string, path: string): Result<Value> {
    return this.#routes.find(({ pattern }) => pattern.test(path))?.result ?? [[]];
  }
}

/** One handler for all methods of a path, so that an unknown method is a 405 and not a 404. */
function dispatcher(path: string, routes: readonly MountedRoute[]): MountedRoute["run"] {
  const byMethod = new Map<string, MountedRoute["run"]>();
  for (const { method, run } of routes) {
    byMethod.set(method.toUpperCase(), run);
    if (method === "get") byMethod.set("HEAD", run);
  }
  const allow = [...byMethod.keys()].join(", ");
  return (c) => {
    const run = byMethod.get(c.req.method);
    if (run) return run(c);
    if (c.req.method === "OPTIONS") return answerText(c, 204, null, { allow });
    throw new HttpError(405, `${path} allows ${allow}`, allow);
  };
}

/** Opens an exchange for each request, and reports it when its answer is complete. */
function exchanges(options: HttpAppOptions): InExchange {
  const { clock = systemClock } = options;
  const open = opener(options, clock);
  const report = reporter(options);
  return (route, run) => async (c) => {
    const exchange = open(c.req.raw, route);
    c.set("exchange", exchange);
    let response: Response;
    try {
      const early = answerWithoutRoute(c, exchange);
      if (!early) exchange.route = route;
      response = await (early ?? run(c));
    } catch (error) {
      response = await answerProblem(c, error);
    }
    exchange.context.close();
    report(exchange, clock.now() - exchange.startedAt);
    return response;
  };
}

function opener(options: HttpAppOptions, clock: Clock) {
  const { timeoutMs = REQUEST_TIMEOUT_MS, tracing = NO_TRACING } = options;
  const origins = new Set(options.origins);
  return (request: Request, route: string | undefined): Exchange => {
    const { headers, method } = request;
    const parent = parseTraceparent(headers.get("traceparent"));
    const traceparent = parent === undefined && PROBE_ROUTES.has(route ?? "")
      ? childTraceparent(parent)
      : tracing.startTraceparent(parent);
    const context = new RequestContext({ traceparent, parent, timeoutMs, caller: request, clock });
    const givenId = headers.get("x-request-id");
    const origin = origins.size > 0 ? headers.get("origin") : null;
    return {
      ...{ method, context, startedAt: clock.now() },
      requestId: givenId !== null && REQUEST_ID.test(givenId) ? givenId : context.spanId,
      origin: origin !== null && origins.has(origin) ? origin : undefined,
      ...{ route: undefined, status: 0, bytes: 0, error: undefined },
    };
  };
}

/** The answer to a malformed message, to OPTIONS of the whole server, and to a preflight. */
function answerWithoutRoute(c: HttpContext, exchange: Exchange): Answered | undefined {
  const head = requestHead(c.env);
  if (head?.fault) throw new AppError("invalid_argument", head.fault);
  if (head?.target === ASTERISK) return answerText(c, 204, null, {});
  if (exchange.origin === undefined || !isPreflight(c.req.raw)) return undefined;
  exchange.route = "preflight";
  return answerText(c, 204, null, PREFLIGHT_HEADERS);
}

/** Reports a request to log, metrics and tracing, without its path: it may hold user data. */
function reporter({ log, metrics, tracing = NO_TRACING }: HttpAppOptions) {
  const durations = metrics?.histogram(HTTP_SERVER_REQUEST_DURATION_SECONDS);
  return (exchange: Exchange, durationMs: number): void => {
    const { method, route, status, error, context: { traceparent } } = exchange;
    // A 4xx is an error of the caller, not of the server.
    const isServerError = status >= STATUS_BY_CODE.internal;
    const labels = {
      http_request_method: KNOWN_METHODS.has(method) ? method : "_OTHER",
      ...(route !== undefined && { http_route: route }),
      http_response_status_code: status,
      // TLS ends before these listeners.
      url_scheme: "http",
      ...(isServerError && { error_type: error?.code ?? String(status) }),
    };
    durations?.observe(labels, durationMs / 1000);
    if (tracing.isSampled(traceparent)) tracing.record(spanOf(exchange, labels, durationMs));
    if (log) logRequest(log, exchange, labels, durationMs);
  };
}

interface Labels {
  readonly http_request_method: string;
  readonly url_scheme: string;
  readonly error_type?: string;
}

function spanOf(exchange: Exchange, labels: Labels, durationMs: number): SpanRecord {
  const { method, route, context: { traceparent, parent }, startedAt } = exchange;
  const verb = KNOWN_METHODS.has(method) ? method : "HTTP";
  return {
    ...{ traceparent, parent, kind: "server", startedAt, durationMs },
    name: route === undefined ? verb : `${verb} ${route}`,
    attributes: {
      "http.request.method": labels.http_request_method,
      ...(route !== undefined && { "http.route": route }),
      "http.response.status_code": exchange.status,
      "http.response.body.size": exchange.bytes,
      "url.scheme": labels.url_scheme,
    },
    error: labels.error_type,
  };
}

function logRequest(log: Logger, exchange: Exchange, labels: Labels, durationMs: number): void {
  const { method, route, error, context } = exchange;
  const { url_scheme: _, error_type, ...known } = labels;
  const line = {
    ...known,
    ...(known.http_request_method !== method && { http_request_method_original: method }),
    http_response_body_size: exchange.bytes,
    duration_ms: Math.round(durationMs * 1000) / 1000,
    request_id: exchange.requestId,
    ...(error && { code: error.code, detail: error.message }),
    // Callers learn that the service is unavailable; only the log has the cause.
    ...(error && error_type && { error_type, ...causeOf(error) }),
  };
  if (error?.code === "internal") log.error("request", { ...line, error }, context);
  else if (error_type !== undefined) log.warn("request", line, context);
  else if (PROBE_ROUTES.has(route ?? "")) log.debug("request", line, context);
  else log.info("request", line, context);
}

/** Answers with `body` as JSON, bigints with every digit; without `body` the answer has none. */
export function answerJson(c: HttpContext, status: number, body?: unknown): Answered {
  if (body === undefined) return answer(c, status, null, CONSTANT_HEADERS);
  return answer(c, status, JSON.stringify(body, jsonIntegers), JSON_HEADERS);
}

/** Answers with the problem body of what was thrown, and keeps the error for the log. */
export function answerProblem(c: HttpContext, thrown: unknown): Answered {
  const exchange = c.get("exchange");
  const error = exchange.error = toAppError(thrown);
  const problem = problemOf(error, exchange.context.traceId);
  return answer(c, problem.status, JSON.stringify(problem), problemHeaders(error));
}

/** Answers with `body`; `headers` take precedence over the constant ones. */
export function answerText(
  c: HttpContext,
  status: number,
  body: AnswerBody,
  headers: Record<string, string>,
): Answered {
  return answer(c, status, body, { ...CONSTANT_HEADERS, ...headers });
}

type AnswerBody = string | Uint8Array<ArrayBuffer> | null;

/** The last step of every answer. Compresses a large one if the caller accepts gzip. */
function answer(
  c: HttpContext,
  status: number,
  body: AnswerBody,
  headers: Record<string, string>,
): Answered {
  const isSmall = body === null || body.length < GZIP_MIN_BYTES;
  if (isSmall || headers["content-encoding"] || !isCompressible(headers["content-type"])) {
    return respond(c, status, body, headers);
  }
  const varying = { ...headers, vary: "accept-encoding" };
  if (!acceptsGzip(c.req.raw.headers)) return respond(c, status, body, varying);
  return gzipped(body).then((compressed) =>
    respond(c, status, compressed, { ...varying, "content-encoding": "gzip" })
  );
}

/** With plain headers and a body in one piece, node-server makes no Headers and no stream. */
function respond(
  c: HttpContext,
  status: number,
  body: AnswerBody,
  headers: Record<string, string>,
): Response {
  const exchange = c.get("exchange");
  exchange.status = status;
  if (body !== null) {
    exchange.bytes = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
  }
  const named: Record<string, string> = { ...headers, "x-request-id": exchange.requestId };
  if (exchange.origin !== undefined) allowOrigin(exchange.origin, named);
  // Hono removes the body of an answer to HEAD, and with it the length.
  if (exchange.method === "HEAD" && body !== null) named["content-length"] = String(exchange.bytes);
  return new Response(body, { status, headers: named });
}
