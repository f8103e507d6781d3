import { createHttpApp, type HttpApp, mount } from "../../shared/http/app.ts";
import { documentRoutes } from "../../shared/http/openapi.ts";
import { healthRoutes, metricsRoute, type ReadyCheck } from "../../shared/http/probes.ts";
import { DOCUMENT_LINKS, OPERATION_LINKS, startPageRoute } from "../../shared/http/start-page.ts";
import type { ServiceParts } from "../../shared/open-service.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { DOCUMENT_INFO, gatewayRoutes } from "./gateway.ts";

type Parts = Pick<ServiceParts<unknown>, "log" | "metrics" | "tracing" | "readiness">;

export interface LomsHttpOptions extends Parts {
  readonly rpc: Rpc;
  /** Readiness checks by the name of the component. */
  readonly checks: Readonly<Record<string, ReadyCheck>>;
  /** Origins of cart's pages, which may call the gateway. */
  readonly cartOrigins: readonly string[];
}

/** The HTTP listener: the gateway, health, metrics and the documents. */
export function createLomsHttp(options: LomsHttpOptions): HttpApp {
  const { rpc, log, metrics, tracing, readiness, checks, cartOrigins: origins } = options;
  const app = createHttpApp({ log, metrics, tracing, origins });
  mount(app, [
    ...gatewayRoutes(rpc),
    ...healthRoutes(readiness, checks),
    metricsRoute(metrics),
    ...documentRoutes(app, DOCUMENT_INFO, { title: "Cart", origins }),
    startPageRoute({
      title: DOCUMENT_INFO.title,
      description: DOCUMENT_INFO.summary,
      links: [...DOCUMENT_LINKS, ...OPERATION_LINKS],
    }),
  ]);
  return app;
}
