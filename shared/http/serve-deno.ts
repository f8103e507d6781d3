import type { HostPort } from "../config.ts";
import type { Fetch, Listener } from "./serve.ts";

interface DenoServer {
  readonly addr: { readonly port: number };
  readonly finished: Promise<void>;
  shutdown(): Promise<void>;
}

interface DenoRuntime {
  serve(options: {
    hostname: string;
    port: number;
    signal: AbortSignal;
    onListen: () => void;
    handler: (request: Request) => Response | Promise<Response>;
  }): DenoServer;
}

function deno(): DenoRuntime | undefined {
  return (globalThis as { Deno?: DenoRuntime }).Deno;
}

export function isDeno(): boolean {
  return deno() !== undefined;
}

/** Must be called on Deno. */
export function serveOnDeno(fetch: Fetch, { host, port }: HostPort): Listener {
  const runtime = deno() as DenoRuntime;
  const cutOff = new AbortController();
  const server = runtime.serve({
    hostname: host,
    port,
    signal: cutOff.signal,
    // Otherwise Deno writes a line of its own among the logs.
    onListen: () => {},
    handler: (request) => fetch(request),
  });
  return { port: server.addr.port, close: (graceMs) => close(server, cutOff, graceMs) };
}

async function close(
  server: DenoServer,
  cutOff: AbortController,
  graceMs: number,
): Promise<void> {
  const timer = setTimeout(() => cutOff.abort(), graceMs);
  await Promise.race([server.shutdown(), server.finished]);
  clearTimeout(timer);
}
