import http2, { type Http2Session } from "node:http2";
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
  onServerSession(reportClose);
  if ("Deno" in globalThis) surviveGoaway();
}

type SessionPatch = (session: Http2Session) => void;

function onServerSession(patch: SessionPatch): void {
  const { createServer } = http2;
  http2.createServer = ((...options: Parameters<typeof createServer>) => {
    const server = createServer(...options);
    server.prependListener("session", patch);
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
  onServerSession(closeLater);
}

/** A close without a callback is Deno's own. */
function closeLater(session: Http2Session): void {
  const close = session.close.bind(session);
  session.close = (onClosed) => {
    if (onClosed) close(onClosed);
    else setImmediate(close);
  };
}
