import { systemClock } from "../../shared/async/request-context.ts";
import { serve } from "../../shared/http/listen.ts";
import { CloseStack, Readiness, type RunningService } from "../../shared/lifecycle.ts";
import type { ProcessLog } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { createProductsApp } from "./app.ts";
import type { ProductsConfig } from "./config.ts";
import { Faults } from "./faults.ts";

/** How long a stop waits for calls in progress; delayed calls are cut off. */
const DRAIN_MAX_MS = 2_000;

export interface RunningProducts extends RunningService {
  /** Without a trailing slash. */
  readonly url: string;
}

/**
 * Starts the stand-in for the product service: its two methods, and `/stats`, `/faults` and
 * `/products` for tests and benchmarks.
 */
export async function startProducts(
  config: Pick<ProductsConfig, "PRODUCTS_HTTP" | "PRODUCT_TOKEN">,
  log: ProcessLog,
): Promise<RunningProducts> {
  const opened = new CloseStack();
  const readiness = new Readiness();
  const metrics = new Metrics("products");
  metrics.watchProcess(log);
  const faults = new Faults(systemClock);
  const app = createProductsApp({
    token: config.PRODUCT_TOKEN,
    faults,
    readiness,
    log,
    metrics,
    clock: systemClock,
  });
  const http = await serve(app.fetch, config.PRODUCTS_HTTP);
  opened.push("the HTTP listener", () => http.close(DRAIN_MAX_MS));
  opened.push("the faults", () => faults.clear());
  opened.push("readiness", () => readiness.stop());
  log.info("products is listening", { http: http.url });
  return { url: http.url, close: () => opened.close() };
}
