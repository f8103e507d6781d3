import type { Product } from "../../proto/product-service.ts";
import { type Clock, systemClock } from "../async/clock.ts";
import { RateLimit } from "../async/rate-limit.ts";
import { RequestContext } from "../async/request-context.ts";
import { SingleFlight } from "../async/single-flight.ts";
import { AppError } from "../errors.ts";
import { createDirectFetch, type Fetch } from "../http-client/direct-fetch.ts";
import {
  compose,
  failOnStatus,
  limitRate,
  limitTry,
  type OnPermit,
  ProductFault,
  type ProductMiddleware,
  retryCalls,
} from "./pipeline.ts";
import { fetchTransport } from "./fetch-transport.ts";
import { createProductApi, type ProductApi } from "./product-api.ts";
import { ProductCache } from "./product-cache.ts";

/** What the product service allows a client in any second. */
const CALLS_MAX = 10;
/** The second of the product service, which counts by a clock of its own, and a margin. */
const WINDOW_MS = 1_050;
/**
 * A call without an answer counts as arrived after this. Longer would bear longer stalls of the
 * product service's process, and would cost throughput when its answers are slow.
 */
const ARRIVAL_MAX_MS = 500;
/** Leaves time for another try in the 5 s that a request has. */
const TRY_TIMEOUT_MS = 3_500;
const RETRIES_MAX = 3;
const BACKOFF_MS = 200;
const BACKOFF_MAX_MS = 1_000;

/** About 5 MB of products. */
const CACHE_ENTRIES_MAX = 10_000;
const STALE_MAX_MS = 10 * 60_000;
/** A new product shows up this late. */
const UNKNOWN_TTL_MS = 5_000;
/** Short, since refreshes stand in one queue with those who wait for an answer. */
const REFRESH_TIMEOUT_MS = 2_000;
const REFRESH_PAUSE_MS = 1_000;

export interface ProductClientOptions {
  /** Of the product service; the methods' names are added to its path. */
  readonly url: string;
  readonly token: string;
  /** Who calls, as the product service sees it. */
  readonly userAgent: string;
  /** How long a found product counts as fresh; 0 turns the whole cache off. */
  readonly cacheTtlMs: number;
  readonly cacheEntriesMax?: number;
  readonly clock?: Clock;
  /** From 0 to just below 1, as Math.random. */
  readonly random?: () => number;
  readonly fetch?: Fetch;
  /** Around each call with its retries and its waits: for spans. */
  readonly aroundCall?: readonly ProductMiddleware[];
  /** Called after each wait for a permit. */
  readonly onPermit?: OnPermit;
  /** Around each try on the wire, retries apart: for metrics and spans. */
  readonly aroundTry?: readonly ProductMiddleware[];
}

/** Counted since the start, but for `entries` and `waiting`, which are of this moment. */
export interface ProductClientStats {
  /** Answers from the cache: fresh, stale, known to be unknown; and `misses`, which had to ask. */
  readonly fresh: number;
  readonly stale: number;
  readonly unknown: number;
  readonly misses: number;
  readonly refreshFailures: number;
  readonly entries: number;
  /** Calls that wait for their turn under the limit. */
  readonly waiting: number;
}

export interface ProductClient {
  /**
   * Undefined when the SKU is not a product.
   * @throws {AppError} `unavailable` when the product service cannot answer, or cannot be called
   * before the deadline; the reason of the context's signal when that aborts
   */
  getProduct(sku: number, context: RequestContext): Promise<Product | undefined>;
  /**
   * At most `count` SKUs above `startAfterSku`, ascending; never from the cache.
   * @throws {AppError} as {@link getProduct}
   */
  listSkus(
    startAfterSku: number,
    count: number,
    context: RequestContext,
  ): Promise<readonly number[]>;
  stats(): ProductClientStats;
  /** Ends every call under way; it and later ones are answered `unavailable`. */
  close(): void;
}

/**
 * The client of the product service: one for a process, since the limit is the process's. Looks
 * into the cache, shares what is under way, waits for its turn, tries again.
 */
export function createProductClient(options: ProductClientOptions): ProductClient {
  return new CachingClient(options);
}

class CachingClient implements ProductClient {
  readonly #clock: Clock;
  readonly #limit: RateLimit;
  readonly #api: ProductApi;
  readonly #cache: ProductCache | undefined;
  readonly #lookups = new SingleFlight<number, Product | undefined>();
  readonly #lists = new SingleFlight<string, readonly number[]>();
  readonly #counts = { fresh: 0, stale: 0, unknown: 0, misses: 0, refreshFailures: 0 };

  constructor(options: ProductClientOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#limit = new RateLimit({
      subject: "product service",
      permits: CALLS_MAX,
      windowMs: WINDOW_MS,
      useMaxMs: ARRIVAL_MAX_MS,
      clock: this.#clock,
    });
    this.#api = openApi(options, this.#limit, this.#clock);
    this.#cache = options.cacheTtlMs === 0 ? undefined : new ProductCache({
      ttlMs: options.cacheTtlMs,
      staleMaxMs: STALE_MAX_MS,
      unknownTtlMs: UNKNOWN_TTL_MS,
      refreshPauseMs: REFRESH_PAUSE_MS,
      entriesMax: options.cacheEntriesMax ?? CACHE_ENTRIES_MAX,
      clock: this.#clock,
    });
  }

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
        (shared) => this.#api.listSkus(startAfterSku, count, traceparent, shared),
      ),
    );
  }

  stats(): ProductClientStats {
    const entries = this.#cache?.size ?? 0;
    return { ...this.#counts, entries, waiting: this.#limit.waiting };
  }

  close(): void {
    const reason = new AppError("unavailable", "The product client is closed");
    this.#lookups.close(reason);
    this.#lists.close(reason);
  }

  #lookUp(sku: number, context: RequestContext): Promise<Product | undefined> {
    const { traceparent } = context;
    return orUnavailable(
      this.#lookups.run(sku, context, async (shared) => {
        const product = await this.#api.getProduct(sku, traceparent, shared);
        this.#cache?.set(sku, product);
        return product;
      }),
    );
  }

  /** Behind the back of the request that noticed; that one has its answer. */
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
}

function openApi(options: ProductClientOptions, limit: RateLimit, clock: Clock): ProductApi {
  const { url, userAgent, token, fetch = createDirectFetch(), random = Math.random } = options;
  const { aroundCall = [], aroundTry = [], onPermit = () => {} } = options;
  const send = compose(
    fetchTransport({ url, userAgent, fetch }),
    ...aroundCall,
    retryCalls({
      retriesMax: RETRIES_MAX,
      backoffMs: BACKOFF_MS,
      backoffMaxMs: BACKOFF_MAX_MS,
      clock,
      random,
    }),
    limitRate(limit, clock, onPermit),
    limitTry(TRY_TIMEOUT_MS, clock),
    failOnStatus(clock),
    ...aroundTry,
  );
  return createProductApi(send, token);
}

async function orUnavailable<Value>(answer: Promise<Value>): Promise<Value> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof ProductFault)) throw error;
    throw new AppError("unavailable", `The product service cannot answer: ${error.message}`, {
      cause: error,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    });
  }
}
