import { asc, eq, type SQL, sql } from "drizzle-orm";
import { type PgColumn, QueryBuilder } from "drizzle-orm/pg-core";
import { orderItems, orders, stocks } from "../../drizzle/loms/schema.ts";
import { defineStatement } from "../../shared/postgres/statement.ts";

// Drizzle makes the text once; it would make it again for each execution, at a third of the price
// of a call.

const query = new QueryBuilder();

/** One statement, so one snapshot: orders and their items are of the same moment. */
export const ORDER_INFO = defineStatement({
  name: "order_info",
  kind: "select",
  text: query
    .select({
      orderId: orders.orderId,
      userId: orders.userId,
      status: orders.status,
      reason: orders.reason,
      sku: orderItems.sku,
      count: orderItems.count,
      price: orderItems.price,
    })
    .from(orders)
    .innerJoin(orderItems, eq(orderItems.orderId, orders.orderId))
    .where(isAmongFirst(orders.orderId))
    .orderBy(asc(orders.orderId), asc(orderItems.sku))
    .toSQL().sql,
  parameters: ["int8[]"],
  columns: {
    order_id: "int8",
    user_id: "int8",
    status: "text",
    reason: "text?",
    sku: "int8",
    count: "int4",
    price: "int8?",
  },
});

export const STOCKS_INFO = defineStatement({
  name: "stocks_info",
  kind: "select",
  text: query
    .select({ sku: stocks.sku, totalCount: stocks.totalCount, reserved: stocks.reserved })
    .from(stocks)
    .where(isAmongFirst(stocks.sku))
    .orderBy(asc(stocks.sku))
    .toSQL().sql,
  parameters: ["int8[]"],
  columns: { sku: "int8", total_count: "int8", reserved: "int8" },
});

/** Whether the column's value is in the first parameter. */
function isAmongFirst(column: PgColumn): SQL {
  return sql`${column} = any(${sql.placeholder("first")}::bigint[])`;
}
