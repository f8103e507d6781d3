import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";

const HEADER = "grpc-timeout";
const TIMEOUT = /^([0-9]+)([HMSmun])$/;
const UNIT_MS = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 } as const;
/** The longest timeout that grpc-js understands, in whole seconds: almost 25 days. */
const MAX_S = Math.floor((2 ** 31 - 1) / 1_000);

/** Each server calls it, and the change is made once. */
let isDone = false;

/**
 * Makes every legal `grpc-timeout` work, which has up to eight digits and any unit. grpc-js 1.14
 * computes it in ms with `| 0`, so from 2 147 484 s on it is negative and the call fails at once;
 * and it takes the header away before an interceptor runs. Here a longer timeout is replaced by the
 * longest that works, which is still far above what a call may take. To be called before a server
 * of grpc-js is made.
 */
export function boundTimeouts(): void {
  if (isDone) return;
  isDone = true;
  const { createServer } = http2;
  http2.createServer = ((...options: Parameters<typeof createServer>) => {
    const server = createServer(...options);
    server.prependListener("stream", (_: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const given = headers[HEADER];
      if (typeof given === "string") headers[HEADER] = boundTimeout(given);
    });
    return server;
  }) as typeof createServer;
}

/** A `grpc-timeout` that grpc-js understands; what is none stays as it is. */
export function boundTimeout(text: string): string {
  const [, digits, unit] = TIMEOUT.exec(text) ?? [];
  if (digits === undefined) return text;
  const ms = Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return ms > MAX_S * 1_000 ? `${MAX_S}S` : text;
}
