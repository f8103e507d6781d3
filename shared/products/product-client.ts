import type { Product } from "../../proto/product-service.ts";
import { RateLimit, type RateLimiter } from "../async/rate-limit.ts";
import { type Clock, RequestContext, systemClock } from "../async/request-context.ts";
import { SingleFlight } from "../async/single-flight.ts";
import { AppError } from "../errors.ts";
import { createDirectFetch } from "../http-client/direct-fetch.ts";
import { counterFamily, gaugeFamily, type Metrics } from "../telemetry/metrics.ts";
import { ProductCalls, type ProductCallsOptions, ProductFault } from "./product-calls.ts";

export const PRODUCT_LIMIT = {
  subject: "product service",
  /** The limit of the product service in any second. */
  permits: 10,
  /** A second by the clock of the product service, plus a margin. */
  windowMs: 1_050,
  /**
   * A call without an answer counts as arrived after this time. A longer one would tolerate longer
   * stalls of the product service, but reduce throughput when its answers are slow.
   */
  useMaxMs: 500,
};

/** Short, because refreshes share the queue with callers that wait. */
const REFRESH_TIMEOUT_MS = 2_000;
/** About 5 MB of products. */
const ENTRIES_MAX = 10_000;
/** Maximum age of a stale product that is still served. */
const STALE_MAX_MS = 10 * 60_000;
/** How long a SKU is cached as unknown, which delays a new product. */
const UNKNOWN_TTL_MS = 5_000;
/** Delay of the next refresh after a failed one. */
const REFRESH_PAUSE_MS = 1_000;

export const PRODUCT_CACHE_LOOKUPS_TOTAL = counterFamily({
  name: "product_cache_lookups_total",
  help: "Product lookups: fresh, stale and unknown from the cache, miss from the product service",
  labels: ["result"],
});

export const PRODUCT_CACHE_REFRESH_FAILURES_TOTAL = counterFamily({
  name: "product_cache_refresh_failures_total",
  help: "Failed refreshes of stale products",
});

export const PRODUCT_CACHE_ENTRIES = gaugeFamily({
  name: "product_cache_entries",
  help: "SKUs in the product cache",
});

export const PRODUCT_CALLS_WAITING = gaugeFamily({
  name: "product_calls_waiting",
  help: "Calls to the product service that wait for the rate limit",
});

export interface ProductClientOptions
  extends Pick<ProductCallsOptions, "url" | "token" | "userAgent" | "metrics" | "tracing"> {
  /** How long a product is fresh; 0 disables the cache. */
  readonly cacheTtlMs: number;
  readonly cacheEntriesMax?: number;
  /** The limit of all calls; by default one of this process. */
  readonly limit?: RateLimiter | undefined;
  readonly clock?: Clock;
  readonly random?: ProductCallsOptions["random"];
  readonly fetch?: ProductCallsOptions["fetch"];
}

/**
 * The client of the product service, one per process: cache, single flight, rate limit, retries.
 */
export class ProductClient {
  readonly #clock: Clock;
  readonly #limit: RateLimiter;
  readonly #calls: ProductCalls;
  readonly #cache: ProductCache | undefined;
  readonly #lookups = new SingleFlight<number, Product | undefined>();
  readonly #lists = new SingleFlight<string, readonly number[]>();
  readonly #counts = { fresh: 0, stale: 0, unknown: 0, misses: 0, refreshFailures: 0 };

  constructor(options: ProductClientOptions) {
    const { clock = systemClock, random = Math.random, fetch = createDirectFetch() } = options;
    this.#clock = clock;
    this.#limit = options.limit ?? new RateLimit({ ...PRODUCT_LIMIT, clock });
    this.#calls = new ProductCalls({ ...options, limit: this.#limit, clock, random, fetch });
    const { cacheTtlMs: ttlMs, cacheEntriesMax = ENTRIES_MAX } = options;
    this.#cache = ttlMs === 0 ? undefined : new ProductCache(ttlMs, cacheEntriesMax, clock);
    if (options.metrics) this.#watch(options.metrics);
  }

  /**
   * Undefined if the SKU is not a product.
   * @throws {AppError} `unavailable` if the product service does not answer, or cannot be called
   * before the deadline; the reason of the context's signal when that aborts
   */
  async getProduct(sku: number, context: RequestContext): Promise<Product | undefined> {
    const hit = this.#cache?.get(sku);
    if (!hit) {
      this.#counts.misses++;
      return await this.#lookUp(sku, context);
    }
    this.#counts[hit.product ? hit.fresh ? "fresh" : "stale" : "unknown"]++;
    if (hit.refresh) void this.#refresh(sku, context.traceparent);
    return hit.product;
  }

  /**
   * At most `count` SKUs above `startAfterSku`, ascending; never from the cache.
   * @throws {AppError} as {@link getProduct}
   */
  async listSkus(
    startAfterSku: number,
    count: number,
    context: RequestContext,
  ): Promise<readonly number[]> {
    const { traceparent } = context;
    return await orUnavailable(
      this.#lists.run(
        `${startAfterSku}/${count}`,
        context,
        (shared) => this.#calls.listSkus(startAfterSku, count, traceparent, shared),
      ),
    );
  }

  /**
   * Counts since the start; `entries` and `waiting` are current. Lookups in the cache are fresh,
   * stale or unknown; a miss calls the product service.
   */
  stats() {
    return {
      ...this.#counts,
      entries: this.#cache?.size ?? 0,
      /** Calls that wait for the rate limit. */
      waiting: this.#limit.waiting,
    };
  }

  /** Fails every call in progress and later ones as `unavailable`. */
  close(): void {
    const reason = new AppError("unavailable", "The product client is closed");
    this.#lookups.close(reason);
    this.#lists.close(reason);
  }

  #lookUp(sku: number, context: RequestContext): Promise<Product | undefined> {
    const { traceparent } = context;
    return orUnavailable(
      this.#lookups.run(sku, context, async (shared) => {
        const product = await this.#calls.getProduct(sku, traceparent, shared);
        this.#cache?.set(sku, product);
        return product;
      }),
    );
  }

  /** In the background: the request has its answer already. */
  async #refresh(sku: number, traceparent: string): Promise<void> {
    const timeoutMs = REFRESH_TIMEOUT_MS;
    const context = new RequestContext({ traceparent, timeoutMs, clock: this.#clock });
    try {
      await this.#lookUp(sku, context);
    } catch {
      this.#counts.refreshFailures++;
      this.#cache?.refreshFailed(sku);
    } finally {
      context.close();
    }
  }

  /** Copies the counts at each scrape, because the hot path counts without labels. */
  #watch(metrics: Metrics): void {
    const lookups = metrics.counter(PRODUCT_CACHE_LOOKUPS_TOTAL);
    const refreshFailures = metrics.counter(PRODUCT_CACHE_REFRESH_FAILURES_TOTAL);
    const entries = metrics.gauge(PRODUCT_CACHE_ENTRIES);
    const waiting = metrics.gauge(PRODUCT_CALLS_WAITING);
    metrics.beforeScrape(() => {
      const stats = this.stats();
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
}

async function orUnavailable<Value>(answer: Promise<Value>): Promise<Value> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof ProductFault)) throw error;
    const { message, retryAfterMs } = error;
    throw new AppError("unavailable", `The product service is unavailable: ${message}`, {
      cause: error,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }
}

interface Entry {
  readonly product: Product | undefined;
  readonly storedAt: number;
  /** When the next refresh may start; never during one. */
  refreshFrom: number;
}

interface CacheHit {
  /** Undefined: the SKU is not a product. */
  readonly product: Product | undefined;
  readonly fresh: boolean;
  /** True for one of the callers that find a stale product. */
  readonly refresh: boolean;
}

/** Products and unknown SKUs, with their age. A new one replaces the least recently used one. */
class ProductCache {
  readonly #ttlMs: number;
  readonly #entriesMax: number;
  readonly #clock: Clock;
  /** In the order of their last use, oldest first. */
  readonly #entries = new Map<number, Entry>();

  constructor(ttlMs: number, entriesMax: number, clock: Clock) {
    this.#ttlMs = ttlMs;
    this.#entriesMax = entriesMax;
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The cached answer; undefined if there is none. */
  get(sku: number): CacheHit | undefined {
    const entry = this.#entries.get(sku);
    if (!entry) return undefined;
    this.#entries.delete(sku);
    const now = this.#clock.now();
    const ageMs = now - entry.storedAt;
    const fresh = ageMs < (entry.product ? this.#ttlMs : UNKNOWN_TTL_MS);
    if (!fresh && (!entry.product || ageMs >= STALE_MAX_MS)) return undefined;
    this.#entries.set(sku, entry);
    const refresh = !fresh && now >= entry.refreshFrom;
    if (refresh) entry.refreshFrom = Infinity;
    return { product: entry.product, fresh, refresh };
  }

  set(sku: number, product: Product | undefined): void {
    this.#entries.delete(sku);
    this.#entries.set(sku, { product, storedAt: this.#clock.now(), refreshFrom: 0 });
    if (this.#entries.size <= this.#entriesMax) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  refreshFailed(sku: number): void {
    const entry = this.#entries.get(sku);
    if (entry) entry.refreshFrom = this.#clock.now() + REFRESH_PAUSE_MS;
  }
}
