/** What a change of stock is: units that arrived or left, or what was counted. */
export const STOCK_CHANGE_KINDS = ["received", "counted"] as const;
export type StockChangeKind = typeof STOCK_CHANGE_KINDS[number];

/** The movements of the ledger; `opening` is what was there before there was a ledger. */
export const STOCK_MOVEMENT_KINDS = ["opening", ...STOCK_CHANGE_KINDS] as const;
export type StockMovementKind = typeof STOCK_MOVEMENT_KINDS[number];
