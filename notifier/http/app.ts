import { createHttpApp, type HttpApp, mount } from "../../shared/http/app.ts";
import { healthRoutes, type ReadyCheck } from "../../shared/http/health.ts";
import { requestLog } from "../../shared/http/request-log.ts";
import type { Readiness } from "../../shared/lifecycle.ts";
import type { Logger } from "../../shared/telemetry/log.ts";

export interface NotifierHttpOptions {
  readonly log: Logger;
  readonly readiness: Readiness;
  /** The parts that the notifier cannot work without. */
  readonly checks: Readonly<Record<string, ReadyCheck>>;
}

/** Health only: the notifier's work comes over the bus. */
export function createNotifierHttp({ log, readiness, checks }: NotifierHttpOptions): HttpApp {
  const app = createHttpApp({ observers: [requestLog(log)] });
  mount(app, healthRoutes(readiness, checks));
  return app;
}
