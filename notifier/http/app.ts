import { createHttpApp, type HttpApp, mount } from "../../shared/http/app.ts";
import { healthRoutes, metricsRoute, type ReadyCheck } from "../../shared/http/probes.ts";
import { OPERATION_LINKS, startPageRoute } from "../../shared/http/start-page.ts";
import type { ServiceParts } from "../../shared/open-service.ts";

type Parts = Pick<ServiceParts<unknown>, "log" | "metrics" | "tracing" | "readiness">;

export interface NotifierHttpOptions extends Parts {
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
  const app = createHttpApp({ log, metrics, tracing });
  mount(app, [...healthRoutes(readiness, checks), metricsRoute(metrics), startPageRoute(START)]);
  return app;
}
