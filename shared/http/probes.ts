import type { RequestContext } from "../async/request-context.ts";
import { AppError } from "../errors.ts";
import type { Readiness } from "../lifecycle.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { answerJson, answerText } from "./app.ts";
import type { Answered, HttpContext, MountedRoute } from "./exchange.ts";

/** Resolves if the component works, possibly with a warning; throws the reason otherwise. */
export type ReadyCheck = (context: RequestContext) => string | void | Promise<string | void>;

/**
 * `/healthz`: the process runs. `/readyz`: 200, possibly with warnings, if every component in
 * `checks` works, else 503 with a reason for each that does not. `checks` has the components that
 * the service requires, by name. `/metrics`: for Prometheus.
 */
export function probeRoutes(
  { readiness, metrics }: { readonly readiness: Readiness; readonly metrics: Metrics },
  checks: Readonly<Record<string, ReadyCheck>> = {},
): MountedRoute[] {
  return [
    { method: "get", path: "/healthz", run: (c) => answerJson(c, 200, { status: "ok" }) },
    {
      method: "get",
      path: "/readyz",
      async run(c) {
        if (readiness.stopping) return notReady(c, { process: "is stopping" });
        const { reasons, warnings } = await runChecks(checks, c.get("exchange").context);
        if (Object.keys(reasons).length > 0) return notReady(c, reasons);
        const warned = Object.keys(warnings).length > 0 ? { warnings } : {};
        return answerJson(c, 200, { status: "ready", ...warned });
      },
    },
    {
      method: "get",
      path: "/metrics",
      run: async (c) =>
        answerText(c, 200, await metrics.text(), { "content-type": metrics.contentType }),
    },
  ];
}

function notReady(c: HttpContext, reasons: Readonly<Record<string, string>>): Answered {
  return answerJson(c, 503, { status: "not ready", reasons });
}

async function runChecks(checks: Readonly<Record<string, ReadyCheck>>, context: RequestContext) {
  const reasons: Record<string, string> = {};
  const warnings: Record<string, string> = {};
  await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        const warning = await check(context);
        if (warning) warnings[name] = warning;
      } catch (error) {
        // The text of other errors may contain an address or a password.
        reasons[name] = error instanceof AppError ? error.message : "failed";
      }
    }),
  );
  return { reasons, warnings };
}
