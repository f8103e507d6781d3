import http2, { type Http2Server, type Http2Session } from "node:http2";
import type { Socket } from "node:net";
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";

let isPrepared = false;

/**
 * Must be called before a client or a server of grpc-js is created. Stops grpc-js from writing
 * lines to stderr, some of which contain client data; callers get every failure as an error.
 * grpc-js reads the patched functions from `node:http2` when a client or a server is created.
 */
export function prepareGrpcJs(): void {
  if (isPrepared) return;
  isPrepared = true;
  setLogVerbosity(logVerbosity.NONE);
  onServer((server) => {
    server.prependListener("connection", keepUntilClosed);
    server.prependListener("session", reportClose);
  });
  if ("Deno" in globalThis) surviveGoaway();
}

/** The open connections of all servers. */
const connections = new Set<Socket>();

function keepUntilClosed(socket: Socket): void {
  connections.add(socket);
  socket.once("close", () => connections.delete(socket));
}

/**
 * Cuts the connections to the server on `port`. A session that has sent GOAWAY cannot do that: its
 * `destroy` waits for the other side.
 */
export function cutConnections(port: number): void {
  for (const socket of connections) if (socket.localPort === port) socket.destroy();
}

function onServer(patch: (server: Http2Server) => void): void {
  const { createServer } = http2;
  http2.createServer = ((...options: Parameters<typeof createServer>) => {
    const server = createServer(...options);
    patch(server);
    return server;
  }) as typeof createServer;
}

/**
 * `Server.tryShutdown` of grpc-js closes each session and waits for the callbacks. `node:http2`
 * drops the callback if the session is already being destroyed, because its connection was lost,
 * and the shutdown would never end.
 */
function reportClose(session: Http2Session): void {
  const close = session.close.bind(session);
  session.close = (onClosed) => {
    if (onClosed && session.destroyed) queueMicrotask(onClosed);
    else close(onClosed);
  };
}

/**
 * Keeps Deno alive when the other side closes a connection gracefully. On a GOAWAY, Deno 2.9.5
 * closes and frees the session while nghttp2 still reads the frame, and the process dies by SIGSEGV
 * or SIGABRT (denoland/deno issue 36788). With the patch, the session is closed in the next
 * iteration of the event loop.
 */
function surviveGoaway(): void {
  const { connect } = http2;
  http2.connect = ((...options: Parameters<typeof connect>) => {
    const session = connect(...options);
    closeLater(session);
    return session;
  }) as typeof connect;
  onServer((server) => void server.prependListener("session", closeLater));
}

/** A close without a callback is Deno's own. */
function closeLater(session: Http2Session): void {
  const close = session.close.bind(session);
  session.close = (onClosed) => {
    if (onClosed) close(onClosed);
    else setImmediate(close);
  };
}
