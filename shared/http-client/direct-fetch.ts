import { Buffer } from "node:buffer";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import type { ReadableStream as WebStream } from "node:stream/web";
import type { Certificates } from "../pem-files.ts";

export type Fetch = typeof globalThis.fetch;

/** Idle connections are closed before most servers close them, some of them after 5 s. */
const IDLE_MAX_MS = 4_000;
/** Statuses of responses without a body, whatever their headers say. */
const BODILESS: readonly number[] = [204, 205, 304];

/**
 * A `fetch` that connects to the host in the URL, on Node and on Deno, and ignores proxy settings
 * of the environment. User and password of the URL are sent as Basic authorization, unless the
 * request has an authorization header. Redirects are returned, not followed: following one would
 * send secrets to another host.
 */
export function createDirectFetch(certificates: Certificates = {}): Fetch {
  // Without `proxyEnv` an agent reads the environment when NODE_USE_ENV_PROXY is set.
  const options = { keepAlive: true, timeout: IDLE_MAX_MS, proxyEnv: {} };
  const plain = new http.Agent(options);
  const secure = new https.Agent({ ...options, ...certificates });
  return async (input, init) => {
    const { request, authorization } = toRequest(input, init);
    if (authorization && !request.headers.has("authorization")) {
      request.headers.set("authorization", authorization);
    }
    const signal = init?.signal ?? request.signal;
    const body = request.body ? new Uint8Array(await request.arrayBuffer()) : undefined;
    signal.throwIfAborted();
    const { protocol } = new URL(request.url);
    const [client, agent] = protocol === "https:" ? [https, secure] : [http, plain];
    const headers = Object.fromEntries(request.headers);
    if (body) headers["content-length"] = String(body.byteLength);
    return await new Promise<Response>((resolve, reject) => {
      const sent = client.request(request.url, { method: request.method, headers, agent, signal });
      const fail = (error: Error) => reject(signal.aborted ? signal.reason : error);
      // After a 101, node:http closes the connection and emits nothing else.
      const closed = () => fail(new Error("the connection was closed without a response"));
      sent.once("close", closed);
      sent.once("response", (incoming) => {
        sent.off("close", closed);
        try {
          resolve(responseOf(incoming, request.method));
        } catch (error) {
          incoming.destroy();
          reject(error);
        }
      });
      sent.on("error", fail);
      sent.end(body);
    });
  };
}

/** A Request rejects a URL with credentials, with the whole URL in its error. */
function toRequest(...[input, init]: Parameters<Fetch>): {
  readonly request: Request;
  readonly authorization?: string | undefined;
} {
  if (input instanceof Request) return { request: new Request(input, init) };
  const { url, authorization } = splitCredentials(String(input));
  return { request: new Request(url, init), authorization };
}

function responseOf(incoming: IncomingMessage, method: string): Response {
  const { statusCode: status = 0, statusMessage: statusText = "", rawHeaders } = incoming;
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at] as string, rawHeaders[at + 1] as string);
  }
  const isBodiless = method === "HEAD" || BODILESS.includes(status);
  if (isBodiless) incoming.resume();
  const body = isBodiless ? null : Readable.toWeb(incoming) as WebStream<Uint8Array<ArrayBuffer>>;
  return new Response(body, { status, statusText, headers });
}

export interface UrlParts {
  /** Without user and password. */
  readonly url: string;
  /** The `authorization` header; undefined when the URL has no credentials. */
  readonly authorization?: string;
}

/**
 * Removes user and password from a URL, and returns them as Basic authorization in UTF-8 (RFC
 * 7617).
 */
export function splitCredentials(text: string): UrlParts {
  const url = new URL(text);
  const { username, password } = url;
  if (username === "" && password === "") return { url: text };
  url.username = "";
  url.password = "";
  const pair = `${decode(username)}:${decode(password)}`;
  return { url: url.href, authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** A URL may contain a `%` that escapes nothing. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
