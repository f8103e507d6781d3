import type { StockChangeKind, StockMovement } from "../../proto/stock-api.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { SkuStock } from "./deps.ts";

export interface StockLine {
  readonly sku: number;
  /** For `received` the units to add, negative to remove; for `counted` the total. */
  readonly count: bigint;
}

/** A change of stock by an operator. */
export interface StockChange {
  readonly kind: StockChangeKind;
  /** Each SKU at most once. */
  readonly lines: readonly StockLine[];
  readonly reason: string;
  /** The idempotency key of the change. */
  readonly reference: string;
}

/** Why a line is refused. */
export interface RefusedLine extends SkuStock {
  /** The requested total; for `above_maximum` the current one, because the sum exceeds int64. */
  readonly rule: "below_reserved" | "above_maximum";
}

export type StockChangeOutcome =
  /** Every line of the change with its new stock, ascending by SKU. */
  | { readonly kind: "changed"; readonly lines: readonly SkuStock[] }
  /** Nothing was changed; the refused lines. */
  | { readonly kind: "refused"; readonly lines: readonly RefusedLine[] }
  /** The reference belongs to a change with other contents. */
  | { readonly kind: "reference_reused" };

export interface StockWriter {
  /**
   * Changes the stock of all lines or of none in one transaction. When it resolves, the outcome is
   * on the primary and on every synchronous replica.
   * @throws {AppError} `unavailable` or `deadline_exceeded` if the outcome is unknown
   */
  stockChange(change: StockChange, context: RequestContext): Promise<StockChangeOutcome>;
}

/** Reads the stock and its ledger from a healthy replica, or else from the primary. */
export interface StockReader {
  /** Up to `limit` SKUs above `after`, ascending. */
  stockList(after: number, limit: number, context: RequestContext): Promise<readonly SkuStock[]>;
  /** Up to `limit` movements of a SKU with ids above `after`, ascending by id. */
  stockMovements(
    page: { readonly sku: number; readonly after: bigint; readonly limit: number },
    context: RequestContext,
  ): Promise<readonly StockMovement[]>;
}

/** The dependencies of the operations on stock. */
export interface StockDeps {
  readonly stockWriter: StockWriter;
  readonly stockReader: StockReader;
  /** Notifies this process's relay of waiting stock events; never throws or blocks. */
  readonly wakeStockRelay: () => void;
}
