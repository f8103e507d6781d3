import type { Fetch } from "../../shared/http/serve.ts";

const LOOPBACK_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Answers what is asked under a name of this machine alone: a stranger's page, whose own name may
 * lead to 127.0.0.1, could else read along (DNS rebinding).
 */
export function forLoopback(fetch: Fetch): Fetch {
  return (request, env) =>
    LOOPBACK_NAMES.has(new URL(request.url).hostname)
      ? fetch(request, env)
      : new Response("Ask for it as 127.0.0.1 or localhost\n", { status: 421 });
}
