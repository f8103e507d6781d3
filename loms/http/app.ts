import { createHttpApp, type HttpApp, mount } from "../../shared/http/app.ts";
import type { HttpAppOptions, MountedRoute } from "../../shared/http/exchange.ts";
import { documentRoutes } from "../../shared/http/openapi.ts";
import { DOCUMENT_LINKS, OPERATION_LINKS, startPageRoute } from "../../shared/http/start-page.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { DOCUMENT_INFO, gatewayRoutes } from "./gateway.ts";

/** The HTTP listener: the gateway, probes and the documents. Pages of cart may call it. */
export function createLomsHttp(
  rpc: Rpc,
  probes: readonly MountedRoute[],
  options: HttpAppOptions,
): HttpApp {
  const app = createHttpApp(options);
  mount(app, [
    ...gatewayRoutes(rpc),
    ...probes,
    ...documentRoutes(app, DOCUMENT_INFO, { title: "Cart", origins: options.origins ?? [] }),
    startPageRoute(DOCUMENT_INFO, [...DOCUMENT_LINKS, ...OPERATION_LINKS]),
  ]);
  return app;
}
