import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { RequestContext, systemClock } from "../async/request-context.ts";
import { formatHostPort, type HostPort, reachable } from "../config.ts";
import { causeOf } from "../telemetry/describe-error.ts";
import type { Logger } from "../telemetry/log.ts";
import { DURATION_BUCKETS, histogramFamily } from "../telemetry/metrics.ts";
import {
  childTraceparent,
  NO_TRACING,
  parseTraceparent,
  type SpanRecord,
} from "../telemetry/tracing.ts";
import { closeServer, type Connections, isAnswering } from "./connections.ts";
import type { Exchange, HttpAppOptions } from "./exchange.ts";
import { STATUS_BY_CODE } from "./problem.ts";
import { answerUnreadable, conversionFailure } from "./unreadable.ts";

/** Limit of a request's headers; ours are a few hundred bytes. */
const HEADERS_MAX_BYTES = 16 * 1024;
/** Closes a connection with a client that sends its headers too slowly. */
const HEADERS_TIMEOUT_MS = 10_000;
/** The same for a whole request; longer than all deadlines of routes. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How often the two timeouts are checked. */
const TIMEOUT_CHECK_MS = 2_000;
/** Longer than the usual 60 s of a proxy in front, so that the proxy closes the connection. */
const KEEP_ALIVE_MS = 65_000;
/** The host in the URL of every Request, so that the client's Host cannot change the path. */
const URL_HOST = "localhost";
/** The whole server; only OPTIONS can name it. */
export const ASTERISK = "*";
/** The default deadline of a request. */
const CONTEXT_TIMEOUT_MS = 5_000;
/** Allows the ids that proxies create; safe in a log line and in a header. */
const REQUEST_ID = /^[A-Za-z0-9._:+/=@-]{1,128}$/;
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

/** Answers one request; `env` is the node:http request and response. */
export type RequestHandler = (request: Request, env?: object) => Response | Promise<Response>;

export interface HttpServer {
  /** The URL on this machine, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /**
   * Accepts no new connection, closes idle ones, and waits for requests in flight. Those that are
   * unfinished after `graceMs` are cut off.
   */
  close(graceMs: number): Promise<void>;
}

/** An address on which the process cannot listen. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/**
 * Listens on the address; port 0 takes a free one. It is node:http on Node and on Deno, because
 * `Deno.serve` builds the URL from the Host, and rejects an upgrade with a body
 * (docs/decisions/0030).
 * @throws {ListenError} naming the address, when it is taken or not allowed
 */
export async function serve(handler: RequestHandler, address: HostPort): Promise<HttpServer> {
  const answer = getRequestListener(handler, {
    hostname: URL_HOST,
    errorHandler: conversionFailure,
  });
  const connections: Connections = new Map();
  const server = createServer({
    maxHeaderSize: HEADERS_MAX_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    noDelay: true,
    // The app rejects a request without one, with a problem body and a log line.
    requireHostHeader: false,
  }, (incoming, outgoing) => {
    connections.set(incoming.socket, outgoing);
    examine(incoming);
    void answer(incoming, outgoing);
  });
  server.on("connection", (socket) => {
    connections.set(socket, undefined);
    socket.once("close", () => connections.delete(socket));
  });
  answerUnreadable(server, (socket) => isAnswering(connections.get(socket)));
  try {
    await once(server.listen(address.port, address.host), "listening");
  } catch (error) {
    throw listenError(error, address);
  }
  const { port } = server.address() as AddressInfo;
  const url = `http://${reachable({ host: address.host, port })}`;
  return { url, port, close: (graceMs) => closeServer(server, connections, graceMs) };
}

function listenError(cause: unknown, address: HostPort): ListenError {
  const { code, name } = cause as { code?: string; name?: string };
  const taken = code === "EADDRINUSE" || name === "AddrInUse";
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = taken ? "another process listens there" : message;
  return new ListenError(`Cannot listen on ${formatHostPort(address)}: ${reason}`, { cause });
}

/** The listener's checks of a request's head, before it became a Request. */
export interface RequestHead {
  /** The path and query of the request line, unchanged, or `*`. */
  readonly target: string;
  /** Why the message is rejected on any route; undefined for a valid one. */
  readonly fault: string | undefined;
}

/** The head of a request from a socket; undefined for a Request created by a test. */
export function requestHead(env: unknown): RequestHead | undefined {
  return (env as { readonly incoming?: RequestHead } | undefined)?.incoming;
}

/**
 * Reads the request line and Host, and leaves the result on `incoming`. node-server builds the URL
 * from the two, so both are replaced by values that it can use; `rawHeaders` keeps what was sent.
 */
function examine(incoming: IncomingMessage & Partial<RequestHead>): void {
  const { url = "", method = "", rawHeaders, httpVersion } = incoming;
  const target = pathAndQuery(url, method);
  const fault = target === undefined
    ? "The request target is no path, no http URL and no * of OPTIONS"
    : hostFault(rawHeaders, httpVersion);
  const head: RequestHead = { target: target ?? "/", fault };
  Object.assign(incoming, head);
  incoming.url = head.target === ASTERISK ? "/" : head.target;
  incoming.headers.host = URL_HOST;
}

/**
 * The path as it was sent, without a trailing slash. Hono's own decodes percent signs, which would
 * make `/cart/%6cist` the list, and the URL of a Request has resolved `..` already.
 */
export function rawPath(request: Request, options?: { env?: unknown }): string {
  const target = requestHead(options?.env)?.target ?? pathAndQuery(request.url, request.method);
  if (target === undefined) return "/";
  const end = target.search(/[?#]/);
  const path = end < 0 ? target : target.slice(0, end);
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

const ABSOLUTE_URL = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * The path and query that a request line names, or {@link ASTERISK}; undefined when it names
 * neither (RFC 9112, 3.2). The path stays as it was sent.
 */
export function pathAndQuery(target: string, method: string): string | undefined {
  if (target.startsWith("/")) return target;
  if (target === ASTERISK) return method === "OPTIONS" ? ASTERISK : undefined;
  const [, authority = "", rest = ""] = ABSOLUTE_URL.exec(target) ?? [];
  if (!isHostPort(authority)) return undefined;
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** Matches nearly every Host; the patterns below cover the rest of the grammar. */
const PLAIN = /^[A-Za-z0-9.-]+(?::[0-9]*)?$/;
/** `uri-host [":" port]` of RFC 9110, 7.2, for a name or an IPv4 address (`reg-name`, RFC 3986). */
const NAMED = /^(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+(?::[0-9]*)?$/;
const BRACKETED =
  /^\[([0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\](?::[0-9]*)?$/;

/** Whether `text` is a host with or without a port. The port may be empty, the host may not. */
export function isHostPort(text: string): boolean {
  if (PLAIN.test(text) || NAMED.test(text)) return true;
  const address = BRACKETED.exec(text)?.[1];
  return address !== undefined && (/^v/i.test(address) || isIPv6(address));
}

/**
 * The error in the Host lines of a request (RFC 9112, 3.2), or undefined. `rawHeaders` alternates
 * names and values, as in node:http. An empty Host is legal: the client's URI has no host. HTTP/1.0
 * does not require one.
 */
export function hostFault(rawHeaders: readonly string[], httpVersion: string): string | undefined {
  let host: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length !== 4 || name.toLowerCase() !== "host") continue;
    if (host !== undefined) return "The request has more than one Host";
    host = rawHeaders[at + 1] as string;
  }
  if (host === undefined) return httpVersion === "1.0" ? undefined : "The request has no Host";
  if (host === "" || isHostPort(host)) return undefined;
  return "The Host is not a host with or without a port";
}

/** Gives each request its deadline, trace context and id. */
export function exchangeOpener(options: HttpAppOptions) {
  const { clock = systemClock, timeoutMs = CONTEXT_TIMEOUT_MS, tracing = NO_TRACING } = options;
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

/** Reports a request to log, metrics and tracing, without its path, which may contain user data. */
export function exchangeReporter({ log, metrics, tracing = NO_TRACING }: HttpAppOptions) {
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
