import { createHttpApp, type HttpApp, mount } from "../../shared/http/app.ts";
import type { HttpAppOptions, MountedRoute } from "../../shared/http/exchange.ts";
import { OPERATION_LINKS, startPageRoute } from "../../shared/http/start-page.ts";

const SUMMARY =
  "Prints a notification for each status that an order takes. Its work comes over the bus.";

/** Probes and the start page; events come over the bus. */
export function createNotifierHttp(
  probes: readonly MountedRoute[],
  options: HttpAppOptions,
): HttpApp {
  const app = createHttpApp(options);
  mount(app, [...probes, startPageRoute({ title: "notifier", summary: SUMMARY }, OPERATION_LINKS)]);
  return app;
}
