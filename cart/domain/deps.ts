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
  /** Of one unit, uint32; undefined when it is not known. */
  readonly price?: number;
}

export interface Product {
  readonly name: string;
  /** In the shop's unit of money, uint32. */
  readonly price: number;
}

/** Limits of one addition. */
export interface AddItemLimits {
  /** Of the SKU in the cart, after the addition. */
  readonly countMax: number;
  /** Different SKUs in the cart, after the addition. */
  readonly linesMax: number;
}

export type AddItemOutcome =
  | { readonly kind: "added" }
  /** `inCart` is how many of the SKU are there already. */
  | { readonly kind: "count_exceeded"; readonly inCart: number }
  | { readonly kind: "lines_exceeded" };

/** A checkout of one snapshot of a cart, whose outcome may still be unknown. */
export interface CheckoutAttempt {
  readonly idempotencyKey: string;
  /** The cart with its prices when the attempt began. */
  readonly items: readonly OrderLine[];
  /** Whether it began before this call, here or in another process: loms may have been called. */
  readonly isResumed: boolean;
}

/** What a checkout reads first: the attempt to resume, else the cart. */
export type CartToOrder = { readonly attempt: CheckoutAttempt } | {
  readonly attempt?: undefined;
  /** Ascending by SKU. */
  readonly lines: readonly CartLine[];
  /** Another one after each change of the lines; for the store alone. */
  readonly revision: unknown;
};

/**
 * The carts of all users, and at most one attempt to order each. Each call is atomic. An attempt is
 * kept until its outcome is known and a caller has received it.
 *
 * A store outside the process throws AppError `unavailable` when it cannot answer before the
 * deadline; what the call would change may have changed.
 */
export interface Carts {
  /** Adds to the line of the SKU, unless that would go beyond a limit; then nothing changes. */
  addItem(
    userId: bigint,
    line: CartLine,
    limits: AddItemLimits,
    context: RequestContext,
  ): Promise<AddItemOutcome>;
  /** Removes the line. What is added to it later was not ordered by an attempt begun before. */
  deleteItem(userId: bigint, sku: number, context: RequestContext): Promise<void>;
  /** Removes all lines, as {@link deleteItem} does. */
  clearCart(userId: bigint, context: RequestContext): Promise<void>;
  /** The lines, ascending by SKU; none for an unknown user. Later changes do not show in it. */
  listCart(userId: bigint, context: RequestContext): Promise<readonly CartLine[]>;
  readToOrder(userId: bigint, context: RequestContext): Promise<CartToOrder>;
  /**
   * Begins an attempt to order `items`, or returns the one that another process has begun
   * meanwhile; undefined when the cart is not at this revision. The attempt survives whatever the
   * store survives.
   */
  beginAttempt(
    userId: bigint,
    revision: unknown,
    items: readonly OrderLine[],
    context: RequestContext,
  ): Promise<CheckoutAttempt | undefined>;
  /** What was ordered leaves the cart, once, as far as it is still there. */
  settleAttempt(
    userId: bigint,
    attempt: CheckoutAttempt,
    after: { readonly keep: boolean },
    context: RequestContext,
  ): Promise<void>;
  /**
   * Ends the attempt if it is still there; the next one has another key. With `unlessShared` it
   * stays if another process has resumed it, and the next one may have its key: loms has not said
   * whether it knows that.
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
   * Undefined when the SKU is not a product.
   * @throws {AppError} `unavailable` when the service cannot answer
   */
  getProduct(sku: number, context: RequestContext): Promise<Product | undefined>;
}

export interface Stocks {
  /** How many can be bought; undefined when loms has no stock row for the SKU. */
  stocksInfo(sku: number, context: RequestContext): Promise<bigint | undefined>;
}

export interface Orders {
  /**
   * Creates the order and resolves with its id: under a key that an order of these items has, with
   * that of this order, whatever its prices.
   * Throws AppError: `failed_precondition` with the shortage when items are short, `unavailable`,
   * `deadline_exceeded` or `internal` when the outcome is unknown.
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
