import { RequestContext } from "../../shared/async/request-context.ts";
import type { Carts, CheckoutAttempt } from "../domain/deps.ts";

export const LIMITS = { countMax: 65_535, linesMax: 1000 };

/** Lifetime of the carts and attempts under test. */
export const TTL_MS = 600_000;
/** Longer than a test takes on a store with its own clock. */
export const MOMENT_MS = 60_000;
const REQUEST_TIMEOUT_MS = 10_000;
const TRACEPARENT = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;

/** An empty store whose carts last {@link TTL_MS}. */
export interface CartsUnderTest {
  readonly carts: Carts;
  size(): Promise<{ readonly carts: number; readonly lines: number }>;
  /** Advances the time of everything in the store. */
  advance(ms: number): Promise<void>;
}

export type StoreCalls = ReturnType<typeof storeCalls>;

/** The calls of a store, each with a new context. */
export function storeCalls(store: () => CartsUnderTest) {
  const carts = () => store().carts;
  const context = () =>
    new RequestContext({ traceparent: TRACEPARENT, timeoutMs: REQUEST_TIMEOUT_MS });
  const list = (userId: bigint) => carts().listCart(userId, context());
  const readToOrder = (userId: bigint) => carts().readToOrder(userId, context());
  /** The revision of a cart without an attempt. */
  async function readCart(userId: bigint): Promise<unknown> {
    const cart = await readToOrder(userId);
    return "revision" in cart ? cart.revision : undefined;
  }
  return {
    list,
    readToOrder,
    readCart,

    add: (userId: bigint, sku: number, count: number, limits = LIMITS) =>
      carts().addItem(userId, { sku, count }, limits, context()),
    deleteItem: (userId: bigint, sku: number) => carts().deleteItem(userId, sku, context()),
    clear: (userId: bigint) => carts().clearCart(userId, context()),

    /** Of the current cart, unless a revision is given. */
    async begin(userId: bigint, revision?: unknown, items?: CheckoutAttempt["items"]) {
      const read = revision ?? await readCart(userId);
      return await carts().beginAttempt(userId, read, items ?? await list(userId), context());
    },
    settle: (userId: bigint, attempt: CheckoutAttempt | undefined, keep = false) =>
      carts().settleAttempt(userId, attempt as CheckoutAttempt, { keep }, context()),
    end: (userId: bigint, attempt: CheckoutAttempt | undefined, unlessShared = false) =>
      carts().endAttempt(userId, attempt as CheckoutAttempt, { unlessShared }, context()),
  };
}
