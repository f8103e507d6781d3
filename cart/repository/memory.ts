import { type Clock, systemClock } from "../../shared/async/clock.ts";
import { counterFamily, gaugeFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import type { AddItemLimits, AddItemOutcome, CartLine, Carts } from "../domain/deps.ts";

export const CART_REPOSITORY_CARTS = gaugeFamily({
  name: "cart_repository_carts",
  help: "Carts that hold something",
  labels: [],
});

export const CART_REPOSITORY_LINES = gaugeFamily({
  name: "cart_repository_lines",
  help: "Lines of all carts together",
  labels: [],
});

export const CART_REPOSITORY_EXPIRED_TOTAL = counterFamily({
  name: "cart_repository_expired_total",
  help: "Carts that ended because they were not changed for CART_TTL",
  labels: [],
});

const SEARCH_INTERVAL_MS = 10_000;
const NO_LINES: readonly CartLine[] = [];

interface MemoryCart {
  readonly lines: readonly CartLine[];
  /** By the clock's monotonic time, in ms. */
  readonly changedAt: number;
}

export interface MemoryCartsOptions {
  /** How long a cart lasts after its last change, in ms. */
  readonly ttlMs?: number;
  readonly clock?: Clock;
  /** Called with how many carts have ended. */
  readonly onExpired?: (carts: number) => void;
}

/**
 * Carts in the memory of this process. The lines of a cart are an array, ascending by SKU, that is
 * replaced and never changed: callers may keep it without a copy, and an array created at its final
 * size uses less memory than one that grows.
 *
 * The map has the carts in the order of their last changes, so those that end are its first ones.
 * A map skips the places of deleted entries one by one, so it is not searched at every call.
 */
export class MemoryCarts implements Carts {
  readonly #carts = new Map<bigint, MemoryCart>();
  readonly #ttlMs: number;
  readonly #clock: Clock;
  readonly #onExpired: (carts: number) => void;
  #lines = 0;
  #searchAt = 0;

  constructor(
    { ttlMs = Infinity, clock = systemClock, onExpired = () => {} }: MemoryCartsOptions = {},
  ) {
    this.#ttlMs = ttlMs;
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  async addItem(
    userId: bigint,
    { sku, count }: CartLine,
    { countMax, linesMax }: AddItemLimits,
  ): Promise<AddItemOutcome> {
    const lines = this.#linesOf(userId);
    const at = placeOf(lines, sku);
    const line = lines[at];
    if (line?.sku === sku) {
      if (line.count + count > countMax) return { kind: "count_exceeded", inCart: line.count };
      this.#replace(userId, lines, lines.with(at, { sku, count: line.count + count }));
      return { kind: "added" };
    }
    if (count > countMax) return { kind: "count_exceeded", inCart: 0 };
    if (lines.length >= linesMax) return { kind: "lines_exceeded" };
    this.#replace(userId, lines, lines.toSpliced(at, 0, { sku, count }));
    return { kind: "added" };
  }

  async deleteItem(userId: bigint, sku: number): Promise<void> {
    const lines = this.#linesOf(userId);
    const at = placeOf(lines, sku);
    if (lines[at]?.sku === sku) this.#replace(userId, lines, lines.toSpliced(at, 1));
  }

  async clearCart(userId: bigint): Promise<void> {
    this.#replace(userId, this.#linesOf(userId), NO_LINES);
  }

  async listCart(userId: bigint): Promise<readonly CartLine[]> {
    return this.#linesOf(userId);
  }

  async removeOrdered(userId: bigint, ordered: readonly CartLine[]): Promise<void> {
    const lines = this.#linesOf(userId);
    const counts = new Map(ordered.map(({ sku, count }) => [sku, count]));
    if (!lines.some(({ sku }) => counts.has(sku))) return;
    const left = lines.flatMap((line) => {
      const removed = counts.get(line.sku);
      if (removed === undefined) return [line];
      return line.count > removed ? [{ sku: line.sku, count: line.count - removed }] : [];
    });
    this.#replace(userId, lines, left);
  }

  size(): { readonly carts: number; readonly lines: number } {
    this.#removeExpired();
    return { carts: this.#carts.size, lines: this.#lines };
  }

  #linesOf(userId: bigint): readonly CartLine[] {
    const cart = this.#carts.get(userId);
    if (!cart) return NO_LINES;
    if (this.#clock.now() - cart.changedAt < this.#ttlMs) return cart.lines;
    this.#removeExpired();
    return NO_LINES;
  }

  #replace(userId: bigint, before: readonly CartLine[], after: readonly CartLine[]): void {
    const changedAt = this.#clock.now();
    this.#lines += after.length - before.length;
    // Deleted first, so that the cart becomes the last one of the map.
    this.#carts.delete(userId);
    if (after.length > 0) this.#carts.set(userId, { lines: after, changedAt });
    if (changedAt >= this.#searchAt) this.#removeExpired();
  }

  #removeExpired(): void {
    const now = this.#clock.now();
    this.#searchAt = now + SEARCH_INTERVAL_MS;
    let removed = 0;
    for (const [userId, { lines, changedAt }] of this.#carts) {
      if (now - changedAt < this.#ttlMs) break;
      this.#carts.delete(userId);
      this.#lines -= lines.length;
      removed++;
    }
    if (removed > 0) this.#onExpired(removed);
  }
}

/** The index of the SKU, or where it belongs, in lines ascending by SKU. */
function placeOf(lines: readonly CartLine[], sku: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lines[middle] as CartLine).sku < sku) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Sets the gauges at each scrape. */
export function watchCarts(repository: Pick<MemoryCarts, "size">, metrics: Metrics): void {
  const carts = metrics.gauge(CART_REPOSITORY_CARTS);
  const lines = metrics.gauge(CART_REPOSITORY_LINES);
  metrics.beforeScrape(() => {
    const size = repository.size();
    carts.set(size.carts);
    lines.set(size.lines);
  });
}
