import { systemClock } from "../shared/async/clock.ts";
import { serve } from "../shared/http/listen.ts";
import { healthRoutes, metricsRoute } from "../shared/http/probes.ts";
import { openProfileListener } from "../shared/http/profile-listener.ts";
import { CloseStack, Readiness, type RunningService } from "../shared/lifecycle.ts";
import { createProductClient } from "../shared/products/product-client.ts";
import {
  permitMetrics,
  tryMetrics,
  watchProductClient,
} from "../shared/products/product-metrics.ts";
import { productServer } from "../shared/products/product-server.ts";
import { productSpans } from "../shared/products/product-spans.ts";
import type { ProcessLog } from "../shared/telemetry/log.ts";
import { watchLog } from "../shared/telemetry/log-metrics.ts";
import { Metrics } from "../shared/telemetry/metrics.ts";
import { openTracing } from "../shared/otlp/open-tracing.ts";
import { VERSION } from "../shared/telemetry/version.ts";
import { uuidV7Source } from "../shared/uuid-v7.ts";
import { createLomsClient } from "./clients/loms.ts";
import type { CartConfig } from "./config.ts";
import { CheckoutAttempts, type CheckoutDeps } from "./domain/checkout.ts";
import type { Deps } from "./domain/deps.ts";
import { cartApp } from "./http/routes.ts";
import { MemoryCarts, watchCarts } from "./repository/memory.ts";

/** How long a stop waits for requests under way: longer than any of them may take. */
const DRAIN_MAX_MS = 6_000;

export interface RunningCart extends RunningService {
  /** Without a slash at the end. */
  readonly url: string;
}

/** cart, serving when this resolves. What was opened is closed again when a later part fails. */
export async function startCart(config: CartConfig, log: ProcessLog): Promise<RunningCart> {
  const opened = new CloseStack();
  try {
    return await open(config, log, opened);
  } catch (error) {
    await opened.close().catch((failure: unknown) => log.error("closing", { error: failure }));
    throw error;
  }
}

async function open(config: CartConfig, log: ProcessLog, opened: CloseStack): Promise<RunningCart> {
  const metrics = new Metrics("cart");
  metrics.watchProcess();
  watchLog(log, metrics);
  const tracing = await openTracing(config, metrics, log);
  opened.push("the spans", () => tracing.close());
  const productService = productServer(config.PRODUCT_URL);
  const calls = productSpans(tracing, systemClock, productService);
  const products = createProductClient({
    url: config.PRODUCT_URL,
    token: config.PRODUCT_TOKEN,
    userAgent: `marketplace-cart/${VERSION}`,
    cacheTtlMs: config.PRODUCT_CACHE_TTL,
    aroundCall: [calls.aroundCall],
    onPermit: permitMetrics(metrics),
    aroundTry: [calls.aroundTry, tryMetrics(metrics, systemClock, productService)],
  });
  opened.push("the product client", () => products.close());
  watchProductClient(products, metrics);

  const loms = createLomsClient(config.LOMS_GRPC_URL, metrics, tracing);
  opened.push("the client of loms", () => loms.close());

  const carts = new MemoryCarts();
  watchCarts(carts, metrics);
  const deps: Deps & CheckoutDeps = {
    carts,
    products,
    stocks: loms,
    orders: loms,
    attempts: new CheckoutAttempts(),
    // Keys that ascend with time come side by side in the index of loms.
    newIdempotencyKey: uuidV7Source(systemClock),
  };

  await openProfileListener(config.CART_PROFILE, log, opened);

  // Carts are in memory, so cart can serve whoever else is away.
  const readiness = new Readiness();
  const app = cartApp(deps, [...healthRoutes(readiness), metricsRoute(metrics)], {
    log,
    metrics,
    tracing,
    origins: config.LOMS_ORIGINS,
  });
  const http = await serve(app.fetch, config.CART_HTTP);
  opened.push("the HTTP door", () => http.close(DRAIN_MAX_MS));
  opened.push("readiness", () => readiness.stop());

  log.info("cart serves", { http: http.url });
  return { url: http.url, close: () => opened.close() };
}
