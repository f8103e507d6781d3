import { v7 as uuidV7 } from "uuid";
import type { RateLimiter } from "../shared/async/rate-limit.ts";
import { probeRoutes, type ReadyCheck } from "../shared/http/probes.ts";
import { DRAIN_MAX_MS, type RunningService } from "../shared/lifecycle.ts";
import { listenHttp, openService, type ServiceParts } from "../shared/open-service.ts";
import { ProductClient } from "../shared/products/product-client.ts";
import type { ProcessLog } from "../shared/telemetry/log.ts";
import { VERSION } from "../shared/telemetry/version.ts";
import { createLomsClient } from "./clients/loms.ts";
import type { CartConfig } from "./config.ts";
import type { CheckoutDeps } from "./domain/checkout.ts";
import type { Carts, Deps } from "./domain/deps.ts";
import { cartApp } from "./http/routes.ts";
import { CART_REPOSITORY_EXPIRED_TOTAL, watchCarts } from "./repository/cart-metrics.ts";
import { MemoryCarts } from "./repository/memory.ts";

export interface RunningCart extends RunningService {
  /** Without a trailing slash. */
  readonly url: string;
}

/** Starts cart; it is listening when this resolves. */
export function startCart(config: CartConfig, log: ProcessLog): Promise<RunningCart> {
  return openService({ name: "cart", config, profile: config.CART_PROFILE, log }, openCart);
}

interface OpenCarts {
  readonly carts: Carts;
  /** The limit of calls of the product service, if processes share one. */
  readonly limit?: RateLimiter;
  readonly checks?: Readonly<Record<string, ReadyCheck>>;
}

/** Opens the configured store, or else carts in memory. The store's package is loaded on use. */
async function openCarts(parts: ServiceParts<CartConfig>): Promise<OpenCarts> {
  const { config, metrics } = parts;
  const expired = metrics.counter(CART_REPOSITORY_EXPIRED_TOTAL);
  const options = {
    // Keys that ascend with time are adjacent in the index of loms.
    newIdempotencyKey: () => uuidV7(),
    ttlMs: config.CART_TTL,
    onExpired: (ended: number) => expired.inc(ended),
  };
  if (config.CART_STORE_URL !== undefined) {
    const { openStore } = await import("./repository/open-store.ts");
    return openStore(parts, options);
  }
  const carts = new MemoryCarts(options);
  watchCarts(() => carts.size(), metrics);
  return { carts };
}

async function openCart(parts: ServiceParts<CartConfig>): Promise<{ url: string }> {
  const { config, log, metrics, tracing, opened } = parts;
  const { carts, limit, checks } = await openCarts(parts);
  const products = new ProductClient({
    limit,
    url: config.PRODUCT_URL,
    token: config.PRODUCT_TOKEN,
    userAgent: `marketplace-cart/${VERSION}`,
    cacheTtlMs: config.PRODUCT_CACHE_TTL,
    metrics,
    tracing,
  });
  opened.push("the product client", () => products.close());

  const loms = createLomsClient(config.LOMS_GRPC_URL, metrics, tracing);
  opened.push("the client of loms", () => loms.close());

  const deps: Deps & CheckoutDeps = {
    carts,
    products,
    stocks: loms,
    orders: loms,
    running: new Map(),
    ending: new Map(),
  };

  // cart is ready while other services are unavailable.
  const options = { log, metrics, tracing, origins: config.LOMS_ORIGINS };
  const app = cartApp(deps, probeRoutes(parts, checks), options);
  const listening = { address: config.CART_HTTP, drainMaxMs: DRAIN_MAX_MS };
  const url = await listenHttp(app.fetch, listening, parts);
  log.info("cart is listening", { http: url });
  return { url };
}
