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

/** The carts of all users. Each call is atomic. Asynchronous, because a store may be remote. */
export interface Carts {
  /** Adds to the line of the SKU, unless that would go beyond a limit; then nothing changes. */
  addItem(userId: bigint, line: CartLine, limits: AddItemLimits): Promise<AddItemOutcome>;
  deleteItem(userId: bigint, sku: number): Promise<void>;
  clearCart(userId: bigint): Promise<void>;
  /** The lines, ascending by SKU; none for an unknown user. Later changes do not show in it. */
  listCart(userId: bigint): Promise<readonly CartLine[]>;
  /** Removes what was ordered, as far as it is still there. */
  removeOrdered(userId: bigint, lines: readonly CartLine[]): Promise<void>;
  /** Exact, at any time. */
  size(): { readonly carts: number; readonly lines: number };
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
   * Creates the order and resolves with its id.
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
  /** Makes a key that no other order has; 1 to 255 printable ASCII characters. */
  readonly newIdempotencyKey: () => string;
}
