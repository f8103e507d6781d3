import type { StockChangeKind, StockMovementKind } from "../../proto/stock-change.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { SkuStock } from "./deps.ts";

export interface StockLine {
  readonly sku: number;
  /** Units to add for `received`, below 0 to take out; the total for `counted`. */
  readonly count: bigint;
}

/** A change of stock as an operator makes it. */
export interface StockChange {
  readonly kind: StockChangeKind;
  /** Each SKU once. */
  readonly lines: readonly StockLine[];
  readonly reason: string;
  /** Names the change: a repetition gets the first answer again. */
  readonly reference: string;
}

/** Why a line cannot be. */
export interface RefusedLine extends SkuStock {
  /**
   * `totalCount` is the requested total, or for `above_maximum` the one that is there: the sum does
   * not fit an int64.
   */
  readonly rule: "below_reserved" | "above_maximum";
}

export type StockChangeOutcome =
  /** Every line of the change with its stock after it, ascending by SKU. */
  | { readonly kind: "changed"; readonly lines: readonly SkuStock[] }
  /** Nothing was changed; the lines that were in the way. */
  | { readonly kind: "refused"; readonly lines: readonly RefusedLine[] }
  /** The reference belongs to a change with other contents. */
  | { readonly kind: "reference_reused" };

export interface StockWriter {
  /**
   * Changes the stock of all lines or of none, in one transaction: when it resolves, the outcome is
   * on the primary and on every synchronous replica.
   * @throws {AppError} `unavailable` or `deadline_exceeded` when the outcome is unknown
   */
  stockChange(change: StockChange, context: RequestContext): Promise<StockChangeOutcome>;
}

/** An entry of the ledger. */
export interface StockMovement {
  readonly id: bigint;
  readonly sku: number;
  readonly kind: StockMovementKind;
  /** The change, signed. */
  readonly count: bigint;
  /** Of the SKU, after the movement. */
  readonly totalCount: bigint;
  readonly reason: string;
  readonly reference: string;
  /** RFC 3339 in UTC, to the ms. */
  readonly at: string;
}

/** Reads the stock and its ledger from a healthy replica, or from the primary. */
export interface StockReader {
  /** Up to `limit` SKUs above `after`, ascending. */
  stockList(after: number, limit: number, context: RequestContext): Promise<readonly SkuStock[]>;
  /** Up to `limit` movements of a SKU with ids above `after`, ascending by id. */
  stockMovements(
    page: { readonly sku: number; readonly after: bigint; readonly limit: number },
    context: RequestContext,
  ): Promise<readonly StockMovement[]>;
}

/** What the operations on stock need from outside. */
export interface StockDeps {
  readonly stockWriter: StockWriter;
  readonly stockReader: StockReader;
  /** Notifies the relay of this process that stock events wait; never throws or blocks. */
  readonly wakeStockRelay: () => void;
}
