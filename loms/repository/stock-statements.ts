import { defineStatement, rfc3339 } from "../../shared/postgres/statement.ts";

/** The function is in drizzle/loms/functions; its last parameter is a Durability. */
export const STOCK_CHANGE = defineStatement({
  name: "stock_change",
  kind: "update",
  text: `select kind, sku, total_count, reserved
    from loms_stock_change($1, $2, $3, $4, $5, $6, $7)`,
  parameters: ["text", "text", "text", "int8[]", "int8[]", "text", "text"],
  columns: { kind: "text", sku: "int8?", total_count: "int8?", reserved: "int8?" },
});

export const STOCK_LIST = defineStatement({
  name: "stock_list",
  kind: "select",
  text: `select sku, total_count, reserved from stocks where sku > $1 order by sku limit $2::int8`,
  parameters: ["int8", "int8"],
  columns: { sku: "int8", total_count: "int8", reserved: "int8" },
});

/** Its columns are the fields of `/v1/stock/movements`. */
export const STOCK_MOVEMENTS = defineStatement({
  name: "stock_movements",
  kind: "select",
  text: `select id, sku, kind, count, total_count, reason, reference,
      ${rfc3339("at")} as at
    from stock_movements where sku = $1 and id > $2 order by id limit $3::int8`,
  parameters: ["int8", "int8", "int8"],
  columns: {
    id: "int8",
    sku: "int8",
    kind: "text",
    count: "int8",
    total_count: "int8",
    reason: "text",
    reference: "text",
    at: "text",
  },
});
