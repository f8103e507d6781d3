import { type Buffer } from "node:buffer";
import { connect } from "node:net";
import { createLogger } from "../../telemetry/log.ts";
import { answerJson, createHttpApp, mount } from "../app.ts";
import type { MountedRoute } from "../exchange.ts";
import { type HttpServer, serve } from "../listen.ts";
import { readBody } from "../read-body.ts";

export const LOOPBACK = "127.0.0.1";

export interface Served {
  readonly server: HttpServer;
  /** The log line of each request, in order. */
  readonly lines: readonly Record<string, unknown>[];
}

/** Serves the routes on a free port. */
export async function serveRoutes(...routes: MountedRoute[]): Promise<Served> {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  const app = createHttpApp({
    log: createLogger({ service: "cart", level: "info", format: "json", write }),
  });
  mount(app, routes);
  return { server: await serve(app.fetch, { host: LOOPBACK, port: 0 }), lines };
}

export const hello: MountedRoute = {
  method: "get",
  path: "/hello",
  run: (c) => answerJson(c, 200, { id: 2n ** 63n - 1n }),
};

export const echo: MountedRoute = {
  method: "post",
  path: "/echo",
  run: async (c) => answerJson(c, 200, { bytes: (await readBody(c, 1000)).byteLength }),
};

/**
 * Sends `text` over a bare connection; resolves with the received text, up to and including `last`.
 */
export function exchangeBytes(port: number, text: string | Buffer, last: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(port, LOOPBACK, () => socket.write(text));
    socket.setEncoding("utf8").on("data", (chunk) => {
      received += String(chunk);
      if (received.includes(last)) socket.destroy();
    });
    socket.on("close", () => resolve(received)).on("error", reject);
  });
}
