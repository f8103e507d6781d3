export const STOCK_EVENT_KINDS = ["received", "counted", "sold_out", "back_in_stock"] as const;
export type StockEventKind = typeof STOCK_EVENT_KINDS[number];
