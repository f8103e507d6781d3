import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import process from "node:process";
import type { Duplex } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";
import type { HostPort } from "../config.ts";
import { AppError } from "../errors.ts";
import { examine, URL_HOST } from "./node-incoming.ts";
import type { Fetch, Listener } from "./serve.ts";
import { answerUnreadable, unreadableProblem } from "./unreadable.ts";

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

/**
 * Opens a listener on the address. It is node:http on Node and on Deno: `Deno.serve` builds the URL
 * of the Host, and refuses an offer to upgrade that comes with a body (docs/decisions/0030).
 */
export async function openListener(fetch: Fetch, { host, port }: HostPort): Promise<Listener> {
  const answer = getRequestListener(fetch, { hostname: URL_HOST, errorHandler: failureAnswer });
  const server = createServer({
    maxHeaderSize: HEADERS_MAX_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    noDelay: true,
    // The app refuses a request without one, with a body and a log line.
    requireHostHeader: false,
  }, (incoming, outgoing) => {
    examine(incoming);
    void answer(incoming, outgoing);
  });
  const connections = watchConnections(server);
  answerUnreadable(server, (socket) => isAnswering(connections.get(socket)));
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  return { port: address.port, close: (graceMs) => close(server, connections, graceMs) };
}

/** For what never becomes a Request, such as a path with a backslash; the rest is a defect. */
function failureAnswer(cause: unknown): Response {
  const isUnreadable = cause instanceof RequestError;
  if (!isUnreadable) process.emitWarning(cause instanceof Error ? cause : String(cause));
  const error = isUnreadable
    ? new AppError("invalid_argument", "The request target is malformed", { cause })
    : new AppError("internal", "An unexpected error", { cause });
  const { problem, body, headers } = unreadableProblem(error);
  return new Response(body, { status: problem.status, headers });
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

/** The newest answer begun over each open connection; undefined while nothing has come over it. */
type Connections = ReadonlyMap<Duplex, ServerResponse | undefined>;

/** What is unreadable may be the body of the request itself, which then does nothing. */
function isAnswering(answer: ServerResponse | undefined): boolean {
  return answer !== undefined && answer.req.complete && !answer.writableFinished;
}

function watchConnections(server: Server): Connections {
  const newest = new Map<Duplex, ServerResponse | undefined>();
  server.on("connection", (socket) => {
    newest.set(socket, undefined);
    socket.once("close", () => newest.delete(socket));
  });
  server.on("request", ({ socket }, answer) => newest.set(socket, answer));
  return newest;
}

/**
 * `server.close()` waits for keep-alive connections that were busy when it was called, also after
 * their request is answered, and for those that have sent nothing, so both are closed from here.
 */
function close(server: Server, connections: Connections, graceMs: number): Promise<void> {
  // A request that still comes over an open connection is answered, and told that it is the last.
  server.prependListener("request", (_request, response) => {
    response.shouldKeepAlive = false;
  });
  const sweep = setInterval(() => {
    server.closeIdleConnections();
    for (const [socket, answer] of connections) {
      if (answer === undefined && (socket as Socket).bytesRead === 0) socket.destroy();
    }
  }, IDLE_CHECK_MS);
  const cutOff = setTimeout(() => server.closeAllConnections(), graceMs);
  return new Promise((resolve) => {
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(cutOff);
      resolve();
    });
  });
}
