import { gaugeFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
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

const NO_LINES: readonly CartLine[] = [];

/**
 * Carts in the memory of this process. A cart is an array of lines, ascending by SKU, that is
 * replaced and never changed: callers may keep it without a copy, and an array created at its final
 * size uses less memory than one that grows.
 */
export class MemoryCarts implements Carts {
  readonly #carts = new Map<bigint, readonly CartLine[]>();
  #lines = 0;

  async addItem(
    userId: bigint,
    { sku, count }: CartLine,
    { countMax, linesMax }: AddItemLimits,
  ): Promise<AddItemOutcome> {
    const lines = this.#carts.get(userId) ?? NO_LINES;
    const at = placeOf(lines, sku);
    const line = lines[at];
    if (line?.sku === sku) {
      if (line.count + count > countMax) return { kind: "count_exceeded", inCart: line.count };
      this.#carts.set(userId, lines.with(at, { sku, count: line.count + count }));
      return { kind: "added" };
    }
    if (count > countMax) return { kind: "count_exceeded", inCart: 0 };
    if (lines.length >= linesMax) return { kind: "lines_exceeded" };
    this.#carts.set(userId, lines.toSpliced(at, 0, { sku, count }));
    this.#lines++;
    return { kind: "added" };
  }

  async deleteItem(userId: bigint, sku: number): Promise<void> {
    const lines = this.#carts.get(userId) ?? NO_LINES;
    const at = placeOf(lines, sku);
    if (lines[at]?.sku === sku) this.#replace(userId, lines, lines.toSpliced(at, 1));
  }

  async clearCart(userId: bigint): Promise<void> {
    this.#replace(userId, this.#carts.get(userId) ?? NO_LINES, NO_LINES);
  }

  async listCart(userId: bigint): Promise<readonly CartLine[]> {
    return this.#carts.get(userId) ?? NO_LINES;
  }

  async removeOrdered(userId: bigint, ordered: readonly CartLine[]): Promise<void> {
    const lines = this.#carts.get(userId) ?? NO_LINES;
    const counts = new Map(ordered.map(({ sku, count }) => [sku, count]));
    const left = lines.flatMap((line) => {
      const removed = counts.get(line.sku);
      if (removed === undefined) return [line];
      return line.count > removed ? [{ sku: line.sku, count: line.count - removed }] : [];
    });
    this.#replace(userId, lines, left);
  }

  size(): { readonly carts: number; readonly lines: number } {
    return { carts: this.#carts.size, lines: this.#lines };
  }

  #replace(userId: bigint, before: readonly CartLine[], after: readonly CartLine[]): void {
    this.#lines += after.length - before.length;
    if (after.length > 0) this.#carts.set(userId, after);
    else this.#carts.delete(userId);
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
