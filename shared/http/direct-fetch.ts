import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import type { ReadableStream as WebStream } from "node:stream/web";
import { splitCredentials } from "./credentials.ts";

export type Fetch = typeof globalThis.fetch;

/** An idle connection ends before most servers would end it, some of them after 5 s. */
const IDLE_MAX_MS = 4_000;
/** Answers with these have no body, whatever their headers say. */
const BODILESS: readonly number[] = [204, 205, 304];

/** PEM texts for https: who is trusted instead of the usual authorities, and who we are. */
export interface Certificates {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * A `fetch` that connects to the host in the URL, on Node and on Deno, whatever proxy the
 * environment names. User and password of the URL are sent as Basic authorization, unless there is
 * an authorization already. A redirect is an answer like any other: to follow it would hand what is
 * secret to another host.
 */
export function createDirectFetch(certificates: Certificates = {}): Fetch {
  // Without `proxyEnv` an agent looks into the environment when NODE_USE_ENV_PROXY is set.
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
      sent.once("response", (incoming) => {
        try {
          resolve(answerOf(incoming, request.method));
        } catch (error) {
          incoming.destroy();
          reject(error);
        }
      });
      sent.on("error", (error) => reject(signal.aborted ? signal.reason : error));
      sent.end(body);
    });
  };
}

/** A Request takes no URL with credentials, and says so with the whole URL. */
function toRequest(...[input, init]: Parameters<Fetch>): {
  readonly request: Request;
  readonly authorization?: string | undefined;
} {
  if (input instanceof Request) return { request: new Request(input, init) };
  const { url, authorization } = splitCredentials(String(input));
  return { request: new Request(url, init), authorization };
}

function answerOf(incoming: IncomingMessage, method: string): Response {
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
