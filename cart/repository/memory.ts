import { type Clock, systemClock } from "../../shared/async/request-context.ts";
import type {
  AddItemLimits,
  AddItemOutcome,
  CartLine,
  Carts,
  CartToOrder,
  CheckoutAttempt,
  OrderLine,
} from "../domain/deps.ts";

const SEARCH_INTERVAL_MS = 10_000;
const NO_LINES: readonly CartLine[] = [];

interface MemoryCart {
  readonly lines: readonly CartLine[];
  /** By the clock's monotonic time, in ms. */
  readonly changedAt: number;
}

interface MemoryAttempt extends CheckoutAttempt {
  /** Ordered units by SKU that are still in the cart. */
  readonly stillInCart: Map<number, number>;
  /** When a checkout last used it, in ms of the clock's monotonic time. */
  readonly usedAt: number;
}

export interface MemoryCartsOptions {
  /** Returns a unique key of 1 to 255 printable ASCII characters. */
  readonly newIdempotencyKey: () => string;
  /** How long a cart lasts after its last change, in ms. */
  readonly ttlMs?: number;
  readonly clock?: Clock;
  /** Called with the number of carts that expired. */
  readonly onExpired?: (carts: number) => void;
}

/**
 * Carts in memory. The lines of a cart are an array, ascending by SKU, that is replaced and never
 * changed, so callers need no copy. An array created at its final size uses less memory than one
 * that grows.
 * The map holds the carts in the order of their last changes, so the first ones expire first. A map
 * skips deleted entries one by one, so it is not searched at every call.
 */
export class MemoryCarts implements Carts {
  readonly #carts = new Map<bigint, MemoryCart>();
  /** In the order of their last use, like the carts. */
  readonly #attempts = new Map<bigint, MemoryAttempt>();
  readonly #options: Required<MemoryCartsOptions>;
  #lines = 0;
  #searchAt = 0;

  constructor(options: MemoryCartsOptions) {
    this.#options = { ttlMs: Infinity, clock: systemClock, onExpired: () => {}, ...options };
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
    this.#attempts.get(userId)?.stillInCart.delete(sku);
  }

  async clearCart(userId: bigint): Promise<void> {
    this.#replace(userId, this.#linesOf(userId), NO_LINES);
    this.#attempts.get(userId)?.stillInCart.clear();
  }

  async listCart(userId: bigint): Promise<readonly CartLine[]> {
    return this.#linesOf(userId);
  }

  /** The revision is the array of lines, which each change replaces. */
  async readToOrder(userId: bigint): Promise<CartToOrder> {
    const attempt = this.#resume(userId);
    if (attempt) return { attempt };
    const lines = this.#linesOf(userId);
    return { lines, revision: lines };
  }

  async beginAttempt(
    userId: bigint,
    revision: unknown,
    items: readonly OrderLine[],
  ): Promise<CheckoutAttempt | undefined> {
    const open = this.#resume(userId);
    if (open) return open;
    const lines = this.#linesOf(userId);
    if (lines !== revision) return undefined;
    const stillInCart = new Map(lines.map(({ sku, count }) => [sku, count]));
    const attempt = { idempotencyKey: this.#options.newIdempotencyKey(), items, isResumed: false };
    this.#attempts.set(userId, { ...attempt, stillInCart, usedAt: this.#options.clock.now() });
    return attempt;
  }

  async settleAttempt(
    userId: bigint,
    attempt: CheckoutAttempt,
    { keep }: { readonly keep: boolean },
  ): Promise<void> {
    const ordered = this.#open(userId, attempt)?.stillInCart;
    if (!ordered) return;
    this.#removeOrdered(userId, ordered);
    if (keep) ordered.clear();
    else this.#attempts.delete(userId);
  }

  async endAttempt(
    userId: bigint,
    attempt: CheckoutAttempt,
    { unlessShared }: { readonly unlessShared: boolean },
  ): Promise<void> {
    const open = this.#open(userId, attempt);
    if (open && !(unlessShared && open.isResumed)) this.#attempts.delete(userId);
  }

  size(): { readonly carts: number; readonly lines: number } {
    this.#removeExpired();
    return { carts: this.#carts.size, lines: this.#lines };
  }

  #removeOrdered(userId: bigint, ordered: ReadonlyMap<number, number>): void {
    const lines = this.#linesOf(userId);
    if (!lines.some(({ sku }) => ordered.has(sku))) return;
    const left = lines.flatMap((line) => {
      const removed = ordered.get(line.sku);
      if (removed === undefined) return [line];
      return line.count > removed ? [{ sku: line.sku, count: line.count - removed }] : [];
    });
    this.#replace(userId, lines, left);
  }

  #open(userId: bigint, { idempotencyKey }: CheckoutAttempt): MemoryAttempt | undefined {
    const attempt = this.#attempts.get(userId);
    return attempt?.idempotencyKey === idempotencyKey ? attempt : undefined;
  }

  #resume(userId: bigint): CheckoutAttempt | undefined {
    const attempt = this.#attempts.get(userId);
    if (!attempt) return undefined;
    this.#attempts.delete(userId);
    const now = this.#options.clock.now();
    if (now - attempt.usedAt >= this.#options.ttlMs) return undefined;
    const resumed = { ...attempt, isResumed: true, usedAt: now };
    this.#attempts.set(userId, resumed);
    return resumed;
  }

  #linesOf(userId: bigint): readonly CartLine[] {
    const cart = this.#carts.get(userId);
    if (!cart) return NO_LINES;
    if (this.#options.clock.now() - cart.changedAt < this.#options.ttlMs) return cart.lines;
    this.#removeExpired();
    return NO_LINES;
  }

  #replace(userId: bigint, before: readonly CartLine[], after: readonly CartLine[]): void {
    const changedAt = this.#options.clock.now();
    this.#lines += after.length - before.length;
    // Deleted first, so that the cart moves to the end of the map.
    this.#carts.delete(userId);
    if (after.length > 0) this.#carts.set(userId, { lines: after, changedAt });
    if (changedAt >= this.#searchAt) this.#removeExpired();
  }

  #removeExpired(): void {
    const now = this.#options.clock.now();
    this.#searchAt = now + SEARCH_INTERVAL_MS;
    let removed = 0;
    for (const [userId, { lines, changedAt }] of this.#carts) {
      if (now - changedAt < this.#options.ttlMs) break;
      this.#carts.delete(userId);
      this.#lines -= lines.length;
      removed++;
    }
    for (const [userId, { usedAt }] of this.#attempts) {
      if (now - usedAt < this.#options.ttlMs) break;
      this.#attempts.delete(userId);
    }
    if (removed > 0) this.#options.onExpired(removed);
  }
}

/** The index of the SKU, or the index to insert it at, in lines ascending by SKU. */
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
