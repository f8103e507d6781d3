import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { HostPort } from "../config.ts";
import { AppError } from "../errors.ts";
import { childTraceparent } from "../telemetry/traceparent.ts";
import { problemHeaders, problemOf } from "./problem.ts";
import type { Fetch, Listener } from "./serve.ts";

/** Headers of a request; ours are a few hundred bytes. */
const HEADERS_MAX_BYTES = 16 * 1024;
/** A client that sends its headers byte by byte is let go of after this. */
const HEADERS_TIMEOUT_MS = 10_000;
/** The same for a whole request; above every deadline of ours, which answers before. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How often the two are looked at. */
const TIMEOUT_CHECK_MS = 2_000;
/** Longer than the usual 60 s of a proxy before us, so that the proxy is the one to hang up. */
const KEEP_ALIVE_MS = 65_000;
/** While closing, how often connections are looked for whose last request has been answered. */
const IDLE_CHECK_MS = 20;

export async function serveOnNode(fetch: Fetch, { host, port }: HostPort): Promise<Listener> {
  const listener = getRequestListener(fetch, { hostname: "localhost", errorHandler: badRequest });
  const server = createServer({
    maxHeaderSize: HEADERS_MAX_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    noDelay: true,
  }, listener as RequestListener);
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  return { port: address.port, close: (graceMs) => close(server, graceMs) };
}

/** For what never becomes a Request, such as a malformed Host header. */
function badRequest(cause: unknown): Response {
  const error = new AppError("invalid_argument", "The request line or the Host is malformed", {
    cause,
  });
  const traceId = childTraceparent(undefined).slice(3, 35);
  const problem = problemOf(error, traceId);
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: problemHeaders(error),
  });
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/**
 * `server.close()` waits for keep-alive connections that were busy when it was called, also after
 * their request is answered, so those are closed from here.
 */
function close(server: Server, graceMs: number): Promise<void> {
  // A request that still comes over an open connection is answered, and told that it is the last.
  server.prependListener("request", (_request, response) => {
    response.shouldKeepAlive = false;
  });
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const cutOff = setTimeout(() => server.closeAllConnections(), graceMs);
  return new Promise((resolve) => {
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(cutOff);
      resolve();
    });
  });
}
