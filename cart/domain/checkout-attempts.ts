import type { CartLine } from "./deps.ts";

/** An order that was asked for and whose outcome may be unknown yet. */
export interface CheckoutAttempt {
  readonly idempotencyKey: string;
  /** What the cart held when the attempt began. */
  readonly items: readonly CartLine[];
  /** Count by SKU of what was ordered and has not been taken out of the cart since. */
  readonly stillInCart: Map<number, number>;
  /** Whether a try's answer was lost, so that the order may exist. */
  outcomeUnknown: boolean;
}

/** The call to loms that is under way for one user, and how many callers wait for it. */
export interface RunningCheckout {
  readonly orderId: Promise<bigint>;
  callers: number;
}

/**
 * At most one attempt a user, in the memory of this process like the carts. It is kept until its
 * outcome is known and somebody has been told of it.
 */
export class CheckoutAttempts {
  readonly #attempts = new Map<bigint, CheckoutAttempt>();
  readonly #running = new Map<bigint, RunningCheckout>();

  find(userId: bigint): CheckoutAttempt | undefined {
    return this.#attempts.get(userId);
  }

  begin(userId: bigint, idempotencyKey: string, items: readonly CartLine[]): CheckoutAttempt {
    const stillInCart = new Map(items.map(({ sku, count }) => [sku, count]));
    const attempt = { idempotencyKey, items, stillInCart, outcomeUnknown: false };
    this.#attempts.set(userId, attempt);
    return attempt;
  }

  end(userId: bigint): void {
    this.#attempts.delete(userId);
  }

  /** What is put into the cart from now on was not ordered, whatever its SKU. */
  lineDeleted(userId: bigint, sku: number): void {
    this.#attempts.get(userId)?.stillInCart.delete(sku);
  }

  cartCleared(userId: bigint): void {
    this.#attempts.get(userId)?.stillInCart.clear();
  }

  running(userId: bigint): RunningCheckout | undefined {
    return this.#running.get(userId);
  }

  started(userId: bigint, running: RunningCheckout): void {
    this.#running.set(userId, running);
  }

  stopped(userId: bigint): void {
    this.#running.delete(userId);
  }

  /** Attempts whose outcome is unknown or untold, and those under way. */
  get size(): number {
    return this.#attempts.size;
  }
}
