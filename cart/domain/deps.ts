import type { RequestContext } from "../../shared/async/request-context.ts";

/** One SKU in a cart. */
export interface CartLine {
  /** uint32 above 0. */
  readonly sku: number;
  /** 1 to 65535. */
  readonly count: number;
}

export interface Product {
  readonly name: string;
  /** In the shop's unit of money, uint32. */
  readonly price: number;
}

/** The carts of all users. Each call is atomic. Asynchronous, because a store may be remote. */
export interface Carts {
  /**
   * Adds `count` to the line of `sku` unless the line would then exceed `lineMax`.
   * Resolves with whether it was added and how many of the SKU are in the cart now.
   */
  addItem(
    userId: bigint,
    line: CartLine,
    lineMax: number,
  ): Promise<{ readonly added: boolean; readonly inCart: number }>;
  deleteItem(userId: bigint, sku: number): Promise<void>;
  clearCart(userId: bigint): Promise<void>;
  /** The lines, ascending by SKU; none for an unknown user. */
  listCart(userId: bigint): Promise<readonly CartLine[]>;
  /** Takes away what was ordered, as far as it is still there. */
  removeOrdered(userId: bigint, lines: readonly CartLine[]): Promise<void>;
  /** Exact, at any time. */
  size(): { readonly carts: number; readonly lines: number };
}

export interface Products {
  /** Undefined when the SKU is not a product. Throws AppError `unavailable` when nobody knows. */
  getProduct(sku: number, context: RequestContext): Promise<Product | undefined>;
}

export interface Stocks {
  /** How many can be bought; undefined when loms has no stock row for the SKU. */
  stocksInfo(sku: number, context: RequestContext): Promise<bigint | undefined>;
}

export interface Orders {
  /**
   * Creates the order and resolves with its id.
   * Throws AppError: `failed_precondition` with the shortage when items are short, `unavailable`,
   * `deadline_exceeded` or `internal` when the outcome is unknown.
   */
  orderCreate(
    order: {
      readonly userId: bigint;
      readonly items: readonly CartLine[];
      readonly idempotencyKey: string;
    },
    context: RequestContext,
  ): Promise<bigint>;
}
