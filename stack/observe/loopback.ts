import { hostOf } from "../../shared/http/host-header.ts";
import { nodeIncoming } from "../../shared/http/node-incoming.ts";
import type { Fetch } from "../../shared/http/serve.ts";

const LOOPBACK_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Answers requests under a name of this machine alone: the page of a stranger, whose own name may
 * lead to 127.0.0.1, could else read along (DNS rebinding).
 */
export function forLoopback(fetch: Fetch): Fetch {
  return (request, env) =>
    // The app refuses a malformed message, as every listener does.
    nodeIncoming(env)?.fault || LOOPBACK_NAMES.has(hostOf(request.headers.get("host") ?? ""))
      ? fetch(request, env)
      : new Response("Ask for it as 127.0.0.1 or localhost\n", { status: 421 });
}
