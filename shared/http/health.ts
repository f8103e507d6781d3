import type { RequestContext } from "../async/request-context.ts";
import { AppError } from "../errors.ts";
import type { Readiness } from "../lifecycle.ts";
import { answerJson } from "./answer.ts";
import type { MountedRoute } from "./app.ts";

/** Resolves when the part can serve; throws, with the reason, when it cannot. */
export type ReadyCheck = (context: RequestContext) => void | Promise<void>;

/**
 * `/healthz`: the process runs. `/readyz`: it can serve, else 503 with a reason for each part.
 * `checks` are the parts that it cannot serve without, by name.
 */
export function healthRoutes(
  readiness: Readiness,
  checks: Readonly<Record<string, ReadyCheck>> = {},
): MountedRoute[] {
  return [
    { method: "get", path: "/healthz", run: (c) => answerJson(c, 200, { status: "ok" }) },
    {
      method: "get",
      path: "/readyz",
      async run(c) {
        const reasons = await reasonsAgainst(readiness, checks, c.get("exchange").context);
        if (reasons.length === 0) return answerJson(c, 200, { status: "ready" });
        return answerJson(c, 503, {
          status: "not ready",
          reasons: Object.fromEntries(reasons),
        });
      },
    },
  ];
}

async function reasonsAgainst(
  readiness: Readiness,
  checks: Readonly<Record<string, ReadyCheck>>,
  context: RequestContext,
): Promise<[string, string][]> {
  if (readiness.stopping) return [["process", "is stopping"]];
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]): Promise<[string, string][]> => {
      try {
        await check(context);
        return [];
      } catch (error) {
        // Only our own words: another error's text may hold an address or a password.
        return [[name, error instanceof AppError ? error.message : "failed"]];
      }
    }),
  );
  return results.flat();
}
