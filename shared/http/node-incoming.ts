import type { IncomingMessage } from "node:http";
import { hostFault } from "./host-header.ts";
import { ASTERISK, pathAndQuery } from "./request-target.ts";

/** The host in every Request's URL. The one that the client sent must not have a say in the path. */
export const URL_HOST = "localhost";

/** What our listener found in a request before it became a Request. */
export interface NodeIncoming {
  /** The path and query of the request line, as they were sent, or `*`. */
  readonly target: string;
  /** Why the message is refused, whatever it asks; undefined when it is well-formed. */
  readonly fault: string | undefined;
}

/** What the listener passes along as the environment; undefined for a Request made by a test. */
export function nodeIncoming(env: unknown): NodeIncoming | undefined {
  return (env as { readonly incoming?: NodeIncoming } | undefined)?.incoming;
}

/**
 * Reads the request line and Host, and leaves what it found on `incoming`. node-server makes the
 * URL of the two, so both are given to it as it can take them; `rawHeaders` keeps what was sent.
 */
export function examine(incoming: IncomingMessage & Partial<NodeIncoming>): void {
  const { url = "", method = "", rawHeaders, httpVersion } = incoming;
  const target = pathAndQuery(url, method);
  const fault = target === undefined
    ? "The request target is no path, no http URL and no * of OPTIONS"
    : hostFault(rawHeaders, httpVersion);
  const found: NodeIncoming = { target: target ?? "/", fault };
  Object.assign(incoming, found);
  incoming.url = found.target === ASTERISK ? "/" : found.target;
  incoming.headers.host = URL_HOST;
}
