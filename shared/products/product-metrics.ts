import type { Clock } from "../async/clock.ts";
import { AppError } from "../errors.ts";
import { type CalledServer, SERVER_LABELS, serverLabels } from "../telemetry/called-server.ts";
import {
  counterFamily,
  DURATION_BUCKETS,
  gaugeFamily,
  histogramFamily,
  type Metrics,
} from "../telemetry/metrics.ts";
import type { OnPermit, ProductMiddleware } from "./pipeline.ts";
import type { ProductClient } from "./product-client.ts";
import { ERROR_STATUS_MIN, NO_ANSWER } from "./product-spans.ts";

export const HTTP_CLIENT_REQUEST_DURATION_SECONDS = histogramFamily({
  name: "http_client_request_duration_seconds",
  help: "Requests to the product service, every try by itself, without the wait for its turn",
  labels: [
    "http_request_method",
    "http_response_status_code",
    "error_type",
    "marketplace_product_method",
    ...SERVER_LABELS,
  ],
  buckets: DURATION_BUCKETS,
});

export const PRODUCT_CACHE_LOOKUPS_TOTAL = counterFamily({
  name: "product_cache_lookups_total",
  help: "Products looked up: fresh, stale and unknown came from the cache, miss had to ask",
  labels: ["result"],
});

export const PRODUCT_CACHE_REFRESH_FAILURES_TOTAL = counterFamily({
  name: "product_cache_refresh_failures_total",
  help: "Refreshes of stale products that failed",
  labels: [],
});

export const PRODUCT_CACHE_ENTRIES = gaugeFamily({
  name: "product_cache_entries",
  help: "SKUs in the product cache",
  labels: [],
});

export const PRODUCT_CALLS_WAITING = gaugeFamily({
  name: "product_calls_waiting",
  help: "Calls to the product service that wait for their turn under the limit",
  labels: [],
});

export const PRODUCT_LIMITER_WAIT_SECONDS = histogramFamily({
  name: "product_limiter_wait_seconds",
  help: "Waits for a turn under the limit, by how they ended: granted, refused or given_up",
  labels: ["outcome"],
  buckets: DURATION_BUCKETS,
});

/** Any other status counts by its class, as `4xx`, so that no server can make up labels. */
const KNOWN_STATUSES: ReadonlySet<number> = new Set([
  200,
  400,
  401,
  404,
  420,
  429,
  500,
  502,
  503,
  504,
]);

/** Measures each try on the wire, for the client's `aroundTry`. */
export function tryMetrics(
  metrics: Metrics,
  clock: Clock,
  server: CalledServer,
): ProductMiddleware {
  const durations = metrics.histogram(HTTP_CLIENT_REQUEST_DURATION_SECONDS);
  const fixed = { http_request_method: "POST", ...serverLabels(server) };
  return (next) => async (call) => {
    const startedAt = clock.now();
    let ending: TryLabels = { error_type: NO_ANSWER };
    try {
      const answer = await next(call);
      ending = answerLabels(answer.status);
      return answer;
    } catch (error) {
      if (error instanceof AppError) ending = { error_type: error.code };
      throw error;
    } finally {
      const seconds = (clock.now() - startedAt) / 1000;
      durations.observe({ ...fixed, marketplace_product_method: call.method, ...ending }, seconds);
    }
  };
}

/** Measures each wait for a turn under the limit, for the client's `onPermit`. */
export function permitMetrics(metrics: Metrics): OnPermit {
  const waits = metrics.histogram(PRODUCT_LIMITER_WAIT_SECONDS);
  return (outcome, waitedMs) => waits.observe({ outcome }, waitedMs / 1000);
}

interface TryLabels {
  readonly http_response_status_code?: string;
  readonly error_type?: string;
}

/** To a client every status from 400 on is an error. */
function answerLabels(status: number): TryLabels {
  const code = KNOWN_STATUSES.has(status) ? String(status) : `${Math.floor(status / 100)}xx`;
  return {
    http_response_status_code: code,
    ...(status >= ERROR_STATUS_MIN && { error_type: code }),
  };
}

/** Shows at each scrape what the client has counted. */
export function watchProductClient(client: Pick<ProductClient, "stats">, metrics: Metrics): void {
  const lookups = metrics.counter(PRODUCT_CACHE_LOOKUPS_TOTAL);
  const refreshFailures = metrics.counter(PRODUCT_CACHE_REFRESH_FAILURES_TOTAL);
  const entries = metrics.gauge(PRODUCT_CACHE_ENTRIES);
  const waiting = metrics.gauge(PRODUCT_CALLS_WAITING);
  metrics.beforeScrape(() => {
    const stats = client.stats();
    lookups.reset();
    lookups.inc({ result: "fresh" }, stats.fresh);
    lookups.inc({ result: "stale" }, stats.stale);
    lookups.inc({ result: "unknown" }, stats.unknown);
    lookups.inc({ result: "miss" }, stats.misses);
    refreshFailures.reset();
    refreshFailures.inc(stats.refreshFailures);
    entries.set(stats.entries);
    waiting.set(stats.waiting);
  });
}
