/** One element of stock-data.json. */
export interface StockRow {
  readonly sku: number;
  readonly total_count: number;
  readonly reserved: number;
}

/** The migration that loads the stock. */
export function stockMigration(rows: readonly StockRow[]): string {
  const values = rows.map(({ sku, total_count, reserved }) =>
    `  (${sku}, ${total_count}, ${reserved})`
  );
  return [
    "-- Generated from drizzle/stock-data.json by drizzle/generate-stock-migration.ts.",
    "insert into stocks (sku, total_count, reserved) values",
    `${values.join(",\n")};`,
    "",
  ].join("\n");
}
