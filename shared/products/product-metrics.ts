import type { Clock } from "../async/clock.ts";
import { AppError } from "../errors.ts";
import { type CalledServer, serverLabels } from "../telemetry/called-server.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { OnTurn } from "./limit-rate.ts";
import type { ProductMiddleware } from "./product-call.ts";
import type { ProductClient } from "./product-client.ts";
import { ERROR_STATUS_MIN, NO_ANSWER } from "./product-spans.ts";

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
  const durations = metrics.histogram("http_client_request_duration_seconds");
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

/** Measures each wait for a turn under the limit, for the client's `onTurn`. */
export function turnMetrics(metrics: Metrics): OnTurn {
  const waits = metrics.histogram("product_limiter_wait_seconds");
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
  const lookups = metrics.counter("product_cache_lookups_total");
  const refreshFailures = metrics.counter("product_cache_refresh_failures_total");
  const entries = metrics.gauge("product_cache_entries");
  const waiting = metrics.gauge("product_calls_waiting");
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
