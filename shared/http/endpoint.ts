import type { RouteConfig } from "@hono/zod-openapi";
import type { z } from "zod";
import type { RequestContext } from "../async/request-context.ts";
import { AppError, type FieldViolation } from "../errors.ts";
import { invalidArgument, violationsOf } from "../violations.ts";
import { answerJson } from "./app.ts";
import type { HttpContext, MountedRoute } from "./exchange.ts";
import { requestHead } from "./listen.ts";
import { acceptsJson } from "./negotiation.ts";
import { HttpError } from "./problem.ts";
import { BODY_MAX_BYTES, namesJson, readBody, requireJson } from "./read-body.ts";
import { parseJsonBody } from "../json.ts";

type RequestOf<Route> = Route extends { request: infer Request } ? Request : never;
type Parsed<Request, Part extends string> = Request extends Record<Part, infer Schema>
  ? Schema extends z.ZodType ? z.output<Schema> : undefined
  : undefined;
type ParsedBody<Request> = Request extends
  { body: { content: { "application/json": { schema: infer Schema } } } }
  ? Schema extends z.ZodType ? z.output<Schema> | Missing<Request> : undefined
  : undefined;
type Missing<Request> = Request extends { body: { required: false } } ? undefined : never;

/** The input of a handler: the outputs of the route's schemas. */
export interface EndpointInput<Route> {
  readonly params: Parsed<RequestOf<Route>, "params">;
  readonly headers: Parsed<RequestOf<Route>, "headers">;
  readonly body: ParsedBody<RequestOf<Route>>;
}

/** The output of a handler; without `body` the answer has none. Bigints become integers. */
export interface EndpointAnswer {
  readonly status: 200 | 204;
  readonly body?: object;
}

/**
 * A route made with `createRoute` of zod-openapi, read strictly: 415, then 413, then 400 for every
 * rule of its schemas of path, headers and body that is broken. The library's own reading accepts
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
  headers: unknown;
  body: unknown;
}

type Part = { readonly name: keyof RawInput; readonly schema: z.ZodType };

/** Prepares the parts that are the same for every request. */
function inputReader(route: RouteConfig, bodyMaxBytes: number) {
  const bodySchema = jsonSchemaOf(route);
  const mayBeMissing = mayBeWithoutBody(route);
  const paramsOf = paramsReader(route.path);
  const headersSchema = route.request?.headers as z.ZodObject | undefined;
  const headerNames = Object.keys(headersSchema?.shape ?? {});
  const parts: Part[] = [];
  if (route.request?.params) parts.push({ name: "params", schema: route.request.params });
  if (headersSchema) parts.push({ name: "headers", schema: headersSchema });
  if (bodySchema) parts.push({ name: "body", schema: bodySchema });

  return async (c: HttpContext): Promise<RawInput> => {
    const hasBody = mayHaveBody(c, bodyMaxBytes);
    const readsJson = bodySchema && (mayBeMissing ? hasBody && namesJson(c) : true);
    if (readsJson) requireJson(c);
    // Also without a schema: a body that is too large gets 413 on every route.
    const bytes = hasBody ? await readBody(c, bodyMaxBytes) : NO_BODY;
    const raw: RawInput = {
      params: paramsOf(c.req.path),
      headers: headerNames.length > 0 ? readHeaders(c, headerNames) : undefined,
      body: readsJson ? parseOrError(bytes, mayBeMissing) : undefined,
    };
    return parseParts(parts, raw);
  };
}

const NO_BODY = new Uint8Array(0);

/** Does not use `request.body`, for which node-server makes a whole Request. */
function mayHaveBody(c: HttpContext, maxBytes: number): boolean {
  const { method, headers } = c.req.raw;
  const declared = headers.get("content-length");
  // The body of a GET is ignored unless it is too large.
  if (method === "GET" || method === "HEAD") return Number(declared) > maxBytes;
  if (declared !== null) return declared !== "0";
  return requestHead(c.env) === undefined || headers.has("transfer-encoding");
}

function mayBeWithoutBody(route: RouteConfig): boolean {
  return route.request?.body?.required === false;
}

function jsonSchemaOf(route: RouteConfig): z.ZodType | undefined {
  const content = route.request?.body?.content["application/json"];
  if (content === undefined || !("schema" in content)) return undefined;
  const schema = content.schema as z.ZodType;
  return mayBeWithoutBody(route) ? schema.optional() : schema;
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

function readHeaders(c: HttpContext, names: readonly string[]): Record<string, unknown> {
  const headers: Record<string, unknown> = {};
  for (const name of names) headers[name] = c.req.raw.headers.get(name) ?? undefined;
  return headers;
}

/** The parsed body or the error, which is thrown together with those of the path. */
function parseOrError(bytes: ArrayBuffer | Uint8Array, mayBeMissing: boolean): unknown {
  if (mayBeMissing && bytes.byteLength === 0) return undefined;
  try {
    return parseJsonBody(bytes);
  } catch (error) {
    return error;
  }
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
