import type { RequestContext } from "../async/request-context.ts";
import { AppError } from "../errors.ts";
import type { Readiness } from "../lifecycle.ts";
import { type Answered, answerJson } from "./answer.ts";
import type { MountedRoute } from "./app.ts";
import type { HttpContext } from "./exchange.ts";

/**
 * Resolves when the part can serve, with a warning if something about it must be known; throws, with
 * the reason, when it cannot.
 */
export type ReadyCheck = (context: RequestContext) => string | void | Promise<string | void>;

/**
 * `/healthz`: the process runs. `/readyz`: it can serve, else 503 with a reason for each part; 200 may
 * come with warnings. `checks` are the parts that it cannot serve without, by name.
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
        if (readiness.stopping) return notReady(c, { process: "is stopping" });
        const { reasons, warnings } = await ask(checks, c.get("exchange").context);
        if (Object.keys(reasons).length > 0) return notReady(c, reasons);
        const warned = Object.keys(warnings).length > 0 ? { warnings } : {};
        return answerJson(c, 200, { status: "ready", ...warned });
      },
    },
  ];
}

function notReady(c: HttpContext, reasons: Readonly<Record<string, string>>): Answered {
  return answerJson(c, 503, { status: "not ready", reasons });
}

/** Each part's reason why it cannot serve, or its warning, by name. */
async function ask(checks: Readonly<Record<string, ReadyCheck>>, context: RequestContext) {
  const reasons: Record<string, string> = {};
  const warnings: Record<string, string> = {};
  await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        const warning = await check(context);
        if (warning) warnings[name] = warning;
      } catch (error) {
        // Only our own words: another error's text may hold an address or a password.
        reasons[name] = error instanceof AppError ? error.message : "failed";
      }
    }),
  );
  return { reasons, warnings };
}
