import http2, { type Http2Session } from "node:http2";

/** Marks what has been changed already: each client and server asks for it. */
let isDone = false;

/**
 * Keeps Deno alive when the other side ends a connection in order. Deno 2.9.5 answers a GOAWAY by
 * closing the session, and frees it, while nghttp2 is still reading that frame; the process then
 * dies by SIGSEGV or SIGABRT (denoland/deno issue 36788). Here the session is closed a turn later.
 * To be called before a client or a server of grpc-js is made, which find the session's functions in
 * `node:http2`.
 */
export function surviveGoaway(): void {
  if (isDone || !("Deno" in globalThis)) return;
  isDone = true;
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

/** Only a close that somebody waits for is none of Deno's own. */
function closeLater(session: Http2Session): void {
  const close = session.close.bind(session);
  session.close = (onClosed) => {
    if (onClosed) close(onClosed);
    else setImmediate(close);
  };
}
