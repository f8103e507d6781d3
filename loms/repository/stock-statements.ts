import { defineStatement } from "../../shared/postgres/statement.ts";

/** The function is in drizzle/loms/functions; its last parameter is a Durability. */
export const STOCK_CHANGE = defineStatement({
  name: "stock_change",
  kind: "update",
  text: `select kind, sku, total_count, reserved
    from loms_stock_change($1, $2, $3, $4, $5, $6, $7)`,
  parameters: ["text", "text", "text", "int8[]", "int8[]", "text", "text"],
  columns: { kind: "text", sku: "int8?", total_count: "int8?", reserved: "int8?" },
});
