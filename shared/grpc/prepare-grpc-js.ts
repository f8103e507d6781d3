import http2, {
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  type ServerOptions,
} from "node:http2";
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";

/**
 * Must be called before a client or a server of grpc-js is made. It keeps grpc-js from writing
 * lines to stderr, some of which contain client data; callers get every failure as an error.
 */
export function prepareGrpcJs(): void {
  setLogVerbosity(logVerbosity.NONE);
  surviveGoaway();
}

let survivesGoaway = false;

/**
 * Keeps Deno alive when the other side ends a connection in order. On a GOAWAY, Deno 2.9.5 closes
 * and frees the session while nghttp2 still reads the frame, and the process dies by SIGSEGV or
 * SIGABRT (denoland/deno issue 36788). Here the session is closed in the next turn of the event
 * loop. grpc-js reads the patched functions from `node:http2` when a client or a server is made.
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

const TIMEOUT_HEADER = "grpc-timeout";
/** In smaller units, eight digits are at most a day. */
const LONG_TIMEOUT = /^([0-9]+)([HMS])$/;
const UNIT_S = { H: 3_600, M: 60, S: 1 } as const;
/** The longest timeout that grpc-js computes correctly, in whole seconds: almost 25 days. */
const MAX_S = Math.floor((2 ** 31 - 1) / 1_000);
/**
 * Calls that a connection may cancel, at once and per second. Node closes it beyond 1000 and 33: an
 * overloaded server loses its connections when the deadlines of its callers pass.
 */
const CANCELS = { streamResetBurst: 20_000, streamResetRate: 5_000 };

let preparesServers = false;

/**
 * Must be called before a server of grpc-js is made. It lets callers cancel many calls, and makes
 * every legal `grpc-timeout` work: up to eight digits, any unit. grpc-js 1.14 computes it in ms
 * with `| 0`, so from 2 147 484 s on it is negative and the call fails at once; and it removes the
 * header before an interceptor runs.
 */
export function prepareServers(): void {
  if (preparesServers) return;
  preparesServers = true;
  const { createServer } = http2;
  http2.createServer = ((options: ServerOptions) => {
    const server = createServer({ ...CANCELS, ...options });
    server.prependListener("stream", (_: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const given = headers[TIMEOUT_HEADER];
      if (typeof given === "string") headers[TIMEOUT_HEADER] = boundTimeout(given);
    });
    return server;
  }) as typeof createServer;
}

/** A `grpc-timeout` that grpc-js computes correctly; a malformed one stays as it is. */
export function boundTimeout(text: string): string {
  const [, digits, unit] = LONG_TIMEOUT.exec(text) ?? [];
  if (digits === undefined) return text;
  return Number(digits) * UNIT_S[unit as keyof typeof UNIT_S] > MAX_S ? `${MAX_S}S` : text;
}
