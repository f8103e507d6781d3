import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Buffer } from "node:buffer";
import { build } from "esbuild";
import type { Addresses } from "./purchase.ts";

/** A web shop: a page with the clients, and both services behind its origin. */
export interface ShopWindow {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a page whose `purchase` is that of purchase.ts, bundled for a browser. */
export async function openShopWindow(services: Addresses): Promise<ShopWindow> {
  const script = await bundle();
  const server = createServer((request, response) => {
    void answer(services, script, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function bundle(): Promise<string> {
  const entry = new URL("purchase.ts", import.meta.url).pathname;
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: "browser",
    format: "iife",
    globalName: "shop",
    // ES2022 has everything that the clients use; Node's API is not available.
    target: "es2022",
  });
  return outputFiles[0]?.text ?? "";
}

async function answer(
  services: Addresses,
  script: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, place = "", rest = ""] = /^\/([a-z.]*)(.*)$/.exec(request.url ?? "") ?? [];
  if (place === "cart" || place === "loms") {
    return await passOn(`${services[place]}${rest}`, request, response);
  }
  if (place === "shop.js") response.setHeader("content-type", "text/javascript").end(script);
  else if (place === "favicon.ico") response.writeHead(204).end();
  else {
    response.setHeader("content-type", "text/html")
      .end(`<!doctype html><title>Shop</title><script src="/shop.js"></script>`);
  }
}

async function passOn(
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = "GET", headers } = request;
  const answered = await fetch(url, {
    method,
    headers: headers["content-type"] ? { "content-type": headers["content-type"] } : {},
    ...chunks.length > 0 && { body: new Uint8Array(Buffer.concat(chunks)) },
  });
  response.writeHead(answered.status, {
    "content-type": answered.headers.get("content-type") ?? "text/plain",
  });
  response.end(new Uint8Array(await answered.arrayBuffer()));
}
