import type { Product } from "../../proto/product-service.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";

/** One SKU in a cart. */
export interface CartLine {
  /** uint32 above 0. */
  readonly sku: number;
  /** 1 to 65535. */
  readonly count: number;
}

/** One SKU of an order. */
export interface OrderLine extends CartLine {
  /** Price of one unit, uint32; undefined if unknown. */
  readonly price?: number;
}

/** Limits of one addition, checked against the cart after it. */
export interface AddItemLimits {
  /** Units of the SKU. */
  readonly countMax: number;
  /** Number of SKUs. */
  readonly linesMax: number;
}

export type AddItemOutcome =
  | { readonly kind: "added" }
  /** `inCart`: units of the SKU in the cart. */
  | { readonly kind: "count_exceeded"; readonly inCart: number }
  | { readonly kind: "lines_exceeded" };

/** A checkout of one snapshot of a cart, whose outcome may still be unknown. */
export interface CheckoutAttempt {
  readonly idempotencyKey: string;
  /** The cart with its prices when the attempt began. */
  readonly items: readonly OrderLine[];
  /** Whether it began before this call, here or in another process. loms may have been called. */
  readonly isResumed: boolean;
}

/** What a checkout reads first: the pending attempt, or else the cart. */
export type CartToOrder = { readonly attempt: CheckoutAttempt } | {
  readonly attempt?: undefined;
  /** Ascending by SKU. */
  readonly lines: readonly CartLine[];
  /** Changes with each change of the lines; opaque outside the store. */
  readonly revision: unknown;
};

/**
 * The carts of all users, and at most one attempt per cart. Each call is atomic. An attempt is kept
 * until its outcome is known and a caller was answered.
 * An external store throws AppError `unavailable` if it does not answer before the deadline. The
 * change may then have been made.
 */
export interface Carts {
  /** Adds to the line of the SKU, unless a limit would be exceeded; then nothing changes. */
  addItem(
    userId: bigint,
    line: CartLine,
    limits: AddItemLimits,
    context: RequestContext,
  ): Promise<AddItemOutcome>;
  /** Removes the line. An attempt begun earlier does not cover later additions. */
  deleteItem(userId: bigint, sku: number, context: RequestContext): Promise<void>;
  /** Removes all lines, as {@link deleteItem} does. */
  clearCart(userId: bigint, context: RequestContext): Promise<void>;
  /** The lines, ascending by SKU; none for an unknown user. A snapshot. */
  listCart(userId: bigint, context: RequestContext): Promise<readonly CartLine[]>;
  readToOrder(userId: bigint, context: RequestContext): Promise<CartToOrder>;
  /**
   * Begins an attempt to order `items`, or returns the one that another process has begun
   * meanwhile; undefined if the revision of the cart differs. The attempt is as durable as the
   * store.
   */
  beginAttempt(
    userId: bigint,
    revision: unknown,
    items: readonly OrderLine[],
    context: RequestContext,
  ): Promise<CheckoutAttempt | undefined>;
  /**
   * Removes the ordered items from the cart, once, as far as the cart still has them. Ends the
   * attempt unless `keep`.
   */
  settleAttempt(
    userId: bigint,
    attempt: CheckoutAttempt,
    after: { readonly keep: boolean },
    context: RequestContext,
  ): Promise<void>;
  /**
   * Ends the attempt if it is still there; the next one has another key. With `unlessShared` it
   * stays if another process has resumed it, and the next one may have the same key, because it is
   * not known whether loms has the key.
   */
  endAttempt(
    userId: bigint,
    attempt: CheckoutAttempt,
    when: { readonly unlessShared: boolean },
    context: RequestContext,
  ): Promise<void>;
}

export interface Products {
  /**
   * Undefined if the SKU is not a product.
   * @throws {AppError} `unavailable` if the service cannot answer
   */
  getProduct(sku: number, context: RequestContext): Promise<Product | undefined>;
}

export interface Stocks {
  /** Available units; undefined if loms has no stock row for the SKU. */
  stocksInfo(sku: number, context: RequestContext): Promise<bigint | undefined>;
}

export interface Orders {
  /**
   * Creates the order and resolves with its id. If an order with these items exists under the key,
   * resolves with that order's id, whatever its prices. Throws AppError: `failed_precondition` with
   * the shortage if items are short; `unavailable`, `deadline_exceeded` or `internal` if the
   * outcome is unknown.
   */
  orderCreate(
    order: {
      readonly userId: bigint;
      readonly items: readonly OrderLine[];
      readonly idempotencyKey: string;
    },
    context: RequestContext,
  ): Promise<bigint>;
}

/** What cart's operations need from outside the domain. */
export interface Deps {
  readonly carts: Carts;
  readonly products: Products;
  readonly stocks: Stocks;
  readonly orders: Orders;
}
