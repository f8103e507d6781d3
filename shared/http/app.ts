import { Buffer } from "node:buffer";
import { OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";
import type { Handler, NotFoundHandler } from "hono";
import type { Result, Router } from "hono/router";
import type { z } from "zod";
import { type RequestContext, systemClock } from "../async/request-context.ts";
import { AppError, type FieldViolation, toAppError } from "../errors.ts";
import { jsonIntegers } from "../json.ts";
import { invalidArgument, violationsOf } from "../violations.ts";
import { allowOrigin, isPreflight, PREFLIGHT_HEADERS } from "./cors.ts";
import type {
  Answered,
  EndpointAnswer,
  EndpointInput,
  Exchange,
  HttpAppOptions,
  HttpContext,
  HttpEnv,
  MountedRoute,
} from "./exchange.ts";
import { ASTERISK, exchangeOpener, exchangeReporter, rawPath, requestHead } from "./listen.ts";
import {
  acceptsGzip,
  acceptsJson,
  GZIP_MIN_BYTES,
  gzipped,
  isCompressible,
} from "./negotiation.ts";
import { CONSTANT_HEADERS, HttpError, problemHeaders, problemOf } from "./problem.ts";
import { BODY_MAX_BYTES, namesJson, parseOrError, readBody, requireJson } from "./read-body.ts";

const JSON_TYPE = { "content-type": "application/json" };

export type HttpApp = OpenAPIHono<HttpEnv> & { readonly inExchange: InExchange };

/** Creates the handler of a path; `route` is its pattern, if it has one. */
type InExchange = (route: string | undefined, run: MountedRoute["run"]) => Handler<HttpEnv>;

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
  const open = exchangeOpener(options);
  const report = exchangeReporter(options);
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

/** The answer to a malformed message, to OPTIONS of the whole server, and to a preflight. */
function answerWithoutRoute(c: HttpContext, exchange: Exchange): Answered | undefined {
  const head = requestHead(c.env);
  if (head?.fault) throw new AppError("invalid_argument", head.fault);
  if (head?.target === ASTERISK) return answerText(c, 204, null, {});
  if (exchange.origin === undefined || !isPreflight(c.req.raw)) return undefined;
  exchange.route = "preflight";
  return answerText(c, 204, null, PREFLIGHT_HEADERS);
}

/** Answers with `body` as JSON, bigints with every digit; without `body` the answer has none. */
export function answerJson(c: HttpContext, status: number, body?: unknown): Answered {
  if (body === undefined) return answerText(c, status, null, {});
  return answerText(c, status, JSON.stringify(body, jsonIntegers), JSON_TYPE);
}

/** Answers with the problem body of what was thrown, and keeps the error for the log. */
function answerProblem(c: HttpContext, thrown: unknown): Answered {
  const exchange = c.get("exchange");
  const error = exchange.error = toAppError(thrown);
  const problem = problemOf(error, exchange.context.traceId);
  return answerText(c, problem.status, JSON.stringify(problem), problemHeaders(error));
}

type AnswerBody = string | Uint8Array<ArrayBuffer> | null;

/**
 * Answers with `body`, compressed if it is large and the caller accepts gzip. `headers` take
 * precedence over the constant ones.
 */
export function answerText(
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

/** With plain headers and a body in one piece, node-server creates no Headers and no stream. */
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
  const named: Record<string, string> = {
    ...CONSTANT_HEADERS,
    ...headers,
    "x-request-id": exchange.requestId,
  };
  if (exchange.origin !== undefined) allowOrigin(exchange.origin, named);
  // Hono removes the body of an answer to HEAD, and with it the length.
  if (exchange.method === "HEAD" && body !== null) named["content-length"] = String(exchange.bytes);
  return new Response(body, { status, headers: named });
}

/**
 * A route made with `createRoute` of zod-openapi, read strictly: 415, then 413, then 400 for every
 * rule of its schemas of path and body that is broken. The library's own reading accepts
 * `1.0` and duplicate keys, and checks the path before the content type, so it is not used.
 *
 * A body with `required: false` is undefined when it is empty or of another type, whose content is
 * ignored.
 */
export function endpoint<Route extends RouteConfig>(
  route: Route,
  handler: (input: EndpointInput<Route>, context: RequestContext) => Promise<EndpointAnswer>,
  bodyMaxBytes = BODY_MAX_BYTES,
): MountedRoute {
  const read = inputReader(route, bodyMaxBytes);
  const answersJson = "200" in route.responses;
  return {
    method: route.method,
    path: route.path,
    document: route,
    async run(c) {
      const input = await read(c) as EndpointInput<Route>;
      if (answersJson) requireJsonAccepted(c);
      const { status, body } = await handler(input, c.get("exchange").context);
      return answerJson(c, status, body);
    },
  };
}

interface RawInput {
  params: unknown;
  body: unknown;
}

type Part = { readonly name: keyof RawInput; readonly schema: z.ZodType };

/** Prepares the parts that are the same for every request. */
function inputReader(route: RouteConfig, bodyMaxBytes: number) {
  const mayBeMissing = route.request?.body?.required === false;
  const bodySchema = jsonSchemaOf(route, mayBeMissing);
  const paramsOf = paramsReader(route.path);
  const parts: Part[] = [];
  if (route.request?.params) parts.push({ name: "params", schema: route.request.params });
  if (bodySchema) parts.push({ name: "body", schema: bodySchema });

  return async (c: HttpContext): Promise<RawInput> => {
    const hasBody = mayHaveBody(c, bodyMaxBytes);
    const readsJson = bodySchema && (mayBeMissing ? hasBody && namesJson(c) : true);
    if (readsJson) requireJson(c);
    // Also without a schema: a body that is too large gets 413 on every route.
    const bytes = hasBody ? await readBody(c, bodyMaxBytes) : NO_BODY;
    const raw: RawInput = {
      params: paramsOf(c.req.path),
      body: readsJson ? parseOrError(bytes, mayBeMissing) : undefined,
    };
    return parseParts(parts, raw);
  };
}

const NO_BODY = new Uint8Array(0);

/** Does not use `request.body`, for which node-server creates a whole Request. */
function mayHaveBody(c: HttpContext, maxBytes: number): boolean {
  const { method, headers } = c.req.raw;
  const declared = headers.get("content-length");
  // The body of a GET is ignored unless it is too large.
  if (method === "GET" || method === "HEAD") return Number(declared) > maxBytes;
  if (declared !== null) return declared !== "0";
  return requestHead(c.env) === undefined || headers.has("transfer-encoding");
}

function jsonSchemaOf(route: RouteConfig, mayBeMissing: boolean): z.ZodType | undefined {
  const content = route.request?.body?.content["application/json"];
  if (content === undefined || !("schema" in content)) return undefined;
  const schema = content.schema as z.ZodType;
  return mayBeMissing ? schema.optional() : schema;
}

/** Reads the raw path: an id that is percent-encoded stays so, and no schema accepts it. */
function paramsReader(pattern: string): (path: string) => Record<string, string | undefined> {
  const places = pattern.split("/").flatMap((segment, at) =>
    segment.startsWith("{") ? [{ name: segment.slice(1, -1), at }] : []
  );
  return (path) => {
    const params: Record<string, string | undefined> = {};
    if (places.length === 0) return params;
    const segments = path.split("/");
    for (const { name, at } of places) params[name] = segments[at];
    return params;
  };
}

function parseParts(parts: readonly Part[], raw: RawInput): RawInput {
  let violations: FieldViolation[] | undefined;
  for (const { name, schema } of parts) {
    const value = raw[name];
    if (value instanceof AppError) {
      (violations ??= []).push(...value.fields ?? []);
      continue;
    }
    const result = schema.safeParse(value);
    if (result.success) raw[name] = result.data;
    else (violations ??= []).push(...violationsOf(result.error));
  }
  if (violations) throw invalidArgument(violations);
  return raw;
}

/**
 * Checks that the caller accepts JSON, as the last check before the request takes effect. Problem
 * bodies are always JSON.
 * @throws {HttpError} 406
 */
export function requireJsonAccepted(c: HttpContext): void {
  const accept = c.req.raw.headers.get("accept");
  if (!accept || accept === "*/*" || accept === "application/json" || acceptsJson(accept)) return;
  throw new HttpError(406, "The Accept header excludes application/json");
}
