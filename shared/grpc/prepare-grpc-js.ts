import http2, { type Http2Session } from "node:http2";
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";

/**
 * Must be called before a client or a server of grpc-js is created. Stops grpc-js from writing
 * lines to stderr, some of which contain client data; callers get every failure as an error.
 */
export function prepareGrpcJs(): void {
  setLogVerbosity(logVerbosity.NONE);
  surviveGoaway();
}

let survivesGoaway = false;

/**
 * Keeps Deno alive when the other side closes a connection gracefully. On a GOAWAY, Deno 2.9.5
 * closes and frees the session while nghttp2 still reads the frame, and the process dies by SIGSEGV
 * or SIGABRT (denoland/deno issue 36788). With the patch, the session is closed in the next
 * iteration of the event loop. grpc-js reads the patched functions from `node:http2` when a client
 * or a server is created.
 */
function surviveGoaway(): void {
  if (survivesGoaway || !("Deno" in globalThis)) return;
  survivesGoaway = true;
  const { connect, createServer } = http2;
  http2.connect = ((...options: Parameters<typeof connect>) => {
    const session = connect(...options);
    closeLater(session);
    return session;
  }) as typeof connect;
  http2.createServer = ((...options: Parameters<typeof createServer>) => {
    const server = createServer(...options);
    server.prependListener("session", closeLater);
    return server;
  }) as typeof createServer;
}

/** A close without a callback is Deno's own. */
function closeLater(session: Http2Session): void {
  const close = session.close.bind(session);
  session.close = (onClosed) => {
    if (onClosed) close(onClosed);
    else setImmediate(close);
  };
}
