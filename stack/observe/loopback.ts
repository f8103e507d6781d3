import { type RequestHandler, requestHead } from "../../shared/http/listen.ts";

const LOOPBACK_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Answers requests under a name of this machine alone: the page of a stranger, whose own name may
 * lead to 127.0.0.1, could else read along (DNS rebinding).
 */
export function forLoopback(fetch: RequestHandler): RequestHandler {
  return (request, env) =>
    // The app refuses a malformed message, as every listener does.
    requestHead(env)?.fault || LOOPBACK_NAMES.has(hostOf(request))
      ? fetch(request, env)
      : new Response("Ask for it as 127.0.0.1 or localhost\n", { status: 421 });
}

/** The Host without its port, in lower case; an IPv6 address keeps its brackets. */
function hostOf({ headers }: Request): string {
  return (headers.get("host") ?? "").replace(/:[0-9]*$/, "").toLowerCase();
}
