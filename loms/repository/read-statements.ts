import { asc, eq, type SQL, sql } from "drizzle-orm";
import { type PgColumn, QueryBuilder } from "drizzle-orm/pg-core";
import { orderItems, orders, stocks } from "../../drizzle/loms/schema.ts";
import { defineStatement, rfc3339 } from "../../shared/postgres/statement.ts";
import { totalPriceOf } from "./order-item.ts";

// Drizzle builds each text once; building it for each execution would add a third to the cost of a
// call.

const query = new QueryBuilder();

/** One statement, so orders and their items are consistent. */
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

/** The $1 orders with the newest late payments; `total_price` is null if a line has no price. */
export const LATE_PAYMENTS = defineStatement({
  name: "late_payments",
  kind: "select",
  text: `select late.order_id, owner.user_id, owner.status, owner.reason,
      ${totalPriceOf("late.order_id")} as total_price,
      ${rfc3339("first_at")} as first_at,
      ${rfc3339("last_at")} as last_at,
      late.tries
    from late_payments late join orders owner on owner.order_id = late.order_id
    order by late.last_at desc, late.order_id desc limit $1::int4`,
  parameters: ["int4"],
  columns: {
    order_id: "int8",
    user_id: "int8",
    status: "text",
    reason: "text?",
    total_price: "int8?",
    first_at: "text",
    last_at: "text",
    tries: "int4",
  },
});

/** Whether the first parameter contains the column's value. */
function isAmongFirst(column: PgColumn): SQL {
  return sql`${column} = any(${sql.placeholder("first")}::bigint[])`;
}

/**
 * Orders of user $1 with ids below $2 and the statuses $3 (empty: all), newest first. Reads at most
 * $4 of the user's orders. The last order read is `last`, and is returned whatever its status.
 */
export const ORDER_LIST = defineStatement({
  name: "order_list",
  kind: "select",
  text: `select order_id, status, wanted, last,
      ${rfc3339("created_at")} as created_at
    from (
      select order_id, status, created_at,
        $3::text[] = '{}' or status = any ($3::text[]) as wanted,
        row_number() over (order by order_id desc) = $4::int8 as last
      from orders where user_id = $1 and order_id < $2
      order by order_id desc limit $4::int8
    ) scanned
    where wanted or last
    order by order_id desc limit $5::int8`,
  parameters: ["int8", "int8", "text[]", "int8", "int8"],
  columns: { order_id: "int8", status: "text", wanted: "bool", last: "bool", created_at: "text" },
});

export const ORDER_LIST_ITEMS = defineStatement({
  name: "order_list_items",
  kind: "select",
  text: query
    .select({
      orderId: orderItems.orderId,
      sku: orderItems.sku,
      count: orderItems.count,
      price: orderItems.price,
    })
    .from(orderItems)
    .where(isAmongFirst(orderItems.orderId))
    .orderBy(asc(orderItems.orderId), asc(orderItems.sku))
    .toSQL().sql,
  parameters: ["int8[]"],
  columns: { order_id: "int8", sku: "int8", count: "int4", price: "int8?" },
});
