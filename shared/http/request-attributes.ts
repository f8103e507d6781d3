import type { Exchange } from "./exchange.ts";
import { STATUS_BY_CODE } from "./problem.ts";

/** The verbs of RFC 9110, PATCH and QUERY, as OpenTelemetry's semantic conventions know them. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(
  ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"],
);
/** Stands for every verb that a client made up. */
const OTHER_METHOD = "_OTHER";
/** TLS ends before these listeners. */
export const URL_SCHEME = "http";

/** The value of `http.request.method`. */
export function methodAttribute(method: string): string {
  return KNOWN_METHODS.has(method) ? method : OTHER_METHOD;
}

/** Of a span: `GET /user/{user_id}`. A verb or a route that is not known is left out. */
export function spanName({ method, route }: Pick<Exchange, "method" | "route">): string {
  const known = KNOWN_METHODS.has(method) ? method : "HTTP";
  return route === undefined ? known : `${known} ${route}`;
}

/** The value of `error.type`: only a server error has one, since a 4xx is the caller's mistake. */
export function serverErrorType({ status, error }: Exchange): string | undefined {
  return status >= STATUS_BY_CODE.internal ? error?.code ?? String(status) : undefined;
}
