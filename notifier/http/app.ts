import { createHttpApp, type HttpApp, mount } from "../../shared/http/app.ts";
import { healthRoutes, metricsRoute, type ReadyCheck } from "../../shared/http/probes.ts";
import { OPERATION_LINKS, startPageRoute } from "../../shared/http/start-page.ts";
import type { Readiness } from "../../shared/lifecycle.ts";
import type { Logger } from "../../shared/telemetry/log.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { Tracing } from "../../shared/telemetry/tracing.ts";

export interface NotifierHttpOptions {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly readiness: Readiness;
  /** Checks of the parts that the notifier needs. */
  readonly checks: Readonly<Record<string, ReadyCheck>>;
}

const START = {
  title: "notifier",
  description:
    "Prints a notification for each status that an order takes. Its work comes over the bus.",
  links: OPERATION_LINKS,
};

/** The health and metrics routes; events come over the bus. */
export function createNotifierHttp(options: NotifierHttpOptions): HttpApp {
  const { log, metrics, tracing, readiness, checks } = options;
  const app = createHttpApp({
    log,
    metrics,
    tracing,
  });
  mount(app, [...healthRoutes(readiness, checks), metricsRoute(metrics), startPageRoute(START)]);
  return app;
}
