import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** While closing, how often idle connections are closed. */
const IDLE_CHECK_MS = 20;

/** The latest response on each open connection; undefined before its first request. */
export type Connections = Map<Duplex, ServerResponse | undefined>;

/** False while the request's own body is incomplete: then that body is unreadable. */
export function isAnswering(response: ServerResponse | undefined): boolean {
  return response !== undefined && response.req.complete && !response.writableFinished;
}

/**
 * `server.close()` waits for keep-alive connections that were busy when it was called, even after
 * their request is answered, and for those that have sent nothing. This closes both.
 */
export function closeServer(
  server: Server,
  connections: Connections,
  graceMs: number,
): Promise<void> {
  // A further request on an open connection is answered as the last one.
  server.prependListener("request", (_request, response) => {
    response.shouldKeepAlive = false;
  });
  const sweep = setInterval(() => {
    server.closeIdleConnections();
    for (const [socket, response] of connections) {
      if (response === undefined && (socket as Socket).bytesRead === 0) socket.destroy();
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
