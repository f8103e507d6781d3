import type { HostPort } from "../config.ts";
import type { Fetch, Listener } from "./serve.ts";

interface DenoServer {
  readonly addr: { readonly port: number };
  shutdown(): Promise<void>;
}

interface DenoRuntime {
  serve(options: {
    hostname: string;
    port: number;
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

/**
 * Must be called on Deno. Its server has no time limit for headers and none for a body that is not
 * read: such a client holds a connection until it leaves (never a request, which has its deadline).
 */
export function serveOnDeno(fetch: Fetch, { host, port }: HostPort): Listener {
  const runtime = deno() as DenoRuntime;
  const server = runtime.serve({
    hostname: host,
    port,
    // Otherwise Deno writes a line of its own among the logs.
    onListen: () => {},
    handler: (request) => fetch(request),
  });
  return { port: server.addr.port, close: (graceMs) => close(server, graceMs) };
}

/**
 * Waits no longer than the grace. What is left then ends with the process: aborting the server
 * after `shutdown()` throws "Bad resource ID" out of Deno, where nobody can catch it.
 */
async function close(server: DenoServer, graceMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const graceOver = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, graceMs);
  });
  await Promise.race([server.shutdown(), graceOver]);
  clearTimeout(timer);
}
