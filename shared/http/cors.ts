// Hono's own cors answers every OPTIONS as a preflight, also of other origins, and without the
// headers of the other answers.

/** Ten minutes: a page sends one preflight, and a changed setting takes effect soon. */
const PREFLIGHT_MAX_AGE_S = 600;
const METHODS = "GET, HEAD, POST, DELETE";
/** Request headers of pages, beside those that are always allowed. */
const REQUEST_HEADERS = "content-type, idempotency-key, traceparent, x-request-id";
/** Response headers for pages, beside those that are always allowed. */
const RESPONSE_HEADERS = "allow, etag, retry-after, x-request-id";

/** Whether the request is a preflight, which may be for any path. */
export function isPreflight({ method, headers }: Request): boolean {
  return method === "OPTIONS" && headers.has("access-control-request-method");
}

export const PREFLIGHT_HEADERS: Readonly<Record<string, string>> = {
  "access-control-allow-methods": METHODS,
  "access-control-allow-headers": REQUEST_HEADERS,
  "access-control-max-age": String(PREFLIGHT_MAX_AGE_S),
};

/** Adds the headers that let pages of the origin read the answer. */
export function allowOrigin(origin: string, headers: Record<string, string>): void {
  headers["access-control-allow-origin"] = origin;
  headers["vary"] = headers["vary"] === undefined ? "origin" : `${headers["vary"]}, origin`;
  if (headers["access-control-allow-methods"] === undefined) {
    headers["access-control-expose-headers"] = RESPONSE_HEADERS;
  }
}
