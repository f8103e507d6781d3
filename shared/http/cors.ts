import type { MiddlewareHandler } from "hono";
import { answerText } from "./answer.ts";
import type { HttpEnv } from "./exchange.ts";

/** How a question for permission shows in logs and metrics; it may be about any path. */
const PREFLIGHT_ROUTE = "preflight";
/** Ten minutes: a page asks once, and a changed setting is soon heard of. */
const PREFLIGHT_MAX_AGE_S = 600;
const METHODS = "GET, HEAD, POST, DELETE";
/** What a page may send beside what every page may. */
const REQUEST_HEADERS = "content-type, idempotency-key, traceparent, x-request-id";
/** What a page may read beside what every page may. */
const RESPONSE_HEADERS = "allow, etag, retry-after, x-request-id";

/**
 * Lets pages of these origins use every route. Pages of any other origin are told nothing, so that
 * their browser keeps answers from them, and asks for permission in vain before it sends JSON.
 */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler<HttpEnv> {
  const allowed = new Set(origins);
  return async (c, next) => {
    const { headers, method } = c.req.raw;
    const origin = headers.get("origin");
    if (origin === null || !allowed.has(origin)) return await next();
    if (method === "OPTIONS" && headers.has("access-control-request-method")) {
      c.get("exchange").route = PREFLIGHT_ROUTE;
      return answerText(c, 204, null, preflightHeaders(origin));
    }
    await next();
    c.res.headers.set("access-control-allow-origin", origin);
    c.res.headers.set("access-control-expose-headers", RESPONSE_HEADERS);
    c.res.headers.append("vary", "origin");
  };
}

function preflightHeaders(origin: string): Record<string, string> {
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": REQUEST_HEADERS,
    "access-control-max-age": String(PREFLIGHT_MAX_AGE_S),
    "vary": "origin",
  };
}
