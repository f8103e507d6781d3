import type { Product } from "../../proto/product-service.ts";
import type { Clock } from "../async/clock.ts";

export interface ProductCacheOptions {
  /** How long a found product counts as fresh. */
  readonly ttlMs: number;
  /** The age up to which a product that is not fresh any more is still served. */
  readonly staleMaxMs: number;
  /** How long a SKU counts as unknown. */
  readonly unknownTtlMs: number;
  /** After a refresh that failed, how long the next one is put off. */
  readonly refreshPauseMs: number;
  readonly entriesMax: number;
  readonly clock: Clock;
}

interface Entry {
  readonly product: Product | undefined;
  readonly storedAt: number;
  /** When the next refresh may start; never, while one runs. */
  refreshFrom: number;
}

export interface CacheHit {
  /** Undefined: the SKU is known to be no product. */
  readonly product: Product | undefined;
  readonly fresh: boolean;
  /** True for exactly one of the callers that find a stale product. */
  readonly refresh: boolean;
}

/**
 * Products and unknown SKUs, with their age. The least recently used one makes way for a new one.
 */
export class ProductCache {
  readonly #options: ProductCacheOptions;
  /** In the order of the last use: the one to drop comes first. */
  readonly #entries = new Map<number, Entry>();

  constructor(options: ProductCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What can be served without a call; undefined when nothing can. */
  get(sku: number): CacheHit | undefined {
    const entry = this.#entries.get(sku);
    if (!entry) return undefined;
    this.#entries.delete(sku);
    const { ttlMs, staleMaxMs, unknownTtlMs, clock } = this.#options;
    const now = clock.now();
    const ageMs = now - entry.storedAt;
    const fresh = ageMs < (entry.product ? ttlMs : unknownTtlMs);
    if (!fresh && (!entry.product || ageMs >= staleMaxMs)) return undefined;
    this.#entries.set(sku, entry);
    const refresh = !fresh && now >= entry.refreshFrom;
    if (refresh) entry.refreshFrom = Infinity;
    return { product: entry.product, fresh, refresh };
  }

  set(sku: number, product: Product | undefined): void {
    this.#entries.delete(sku);
    this.#entries.set(sku, { product, storedAt: this.#options.clock.now(), refreshFrom: 0 });
    if (this.#entries.size <= this.#options.entriesMax) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  refreshFailed(sku: number): void {
    const entry = this.#entries.get(sku);
    if (entry) entry.refreshFrom = this.#options.clock.now() + this.#options.refreshPauseMs;
  }
}
