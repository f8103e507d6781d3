import { INT64_MAX } from "../../proto/loms/v1/limits.ts";
import type { OrderStatus } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { StatementRunner } from "../../shared/postgres/statement.ts";
import type { OrderItem, OrderListInput, OrderPage, OrderPages } from "../domain/deps.ts";
import { toOrderItem } from "./order-item.ts";
import { ORDER_LIST, ORDER_LIST_ITEMS } from "./read-statements.ts";
import type { Reads } from "./read-routing.ts";

/**
 * The maximum number of a user's orders that one page reads to filter by status: some 20 ms. A page
 * that reaches it may be short or empty, and another one follows.
 */
const SCANNED_MAX = 10_000;

/** Pages of a user's orders; the routing chooses the server of each read. */
export function createOrderPages(routing: Reads, scannedMax = SCANNED_MAX): OrderPages {
  return {
    orderList: (input, context) =>
      routing.read((server) => readPage(server, input, scannedMax, context), context),
  };
}

async function readPage(
  server: StatementRunner,
  { userId, statuses, pageSize, before = INT64_MAX }: OrderListInput,
  scannedMax: number,
  context: RequestContext,
): Promise<OrderPage> {
  const parameters = [userId, before, statuses, scannedMax, pageSize + 1] as const;
  const rows = await server.run(ORDER_LIST, parameters, context);
  const found = rows.slice(0, pageSize).filter(({ wanted }) => wanted);
  const isMore = rows.length > pageSize || rows.at(-1)?.last === true;
  const next = isMore ? rows.at(Math.min(rows.length, pageSize) - 1)?.order_id : undefined;
  const items = new Map(found.map(({ order_id }): [bigint, OrderItem[]] => [order_id, []]));
  // Items do not change, so a separate statement reads the same ones.
  const itemRows = found.length === 0
    ? []
    : await server.run(ORDER_LIST_ITEMS, [[...items.keys()]], context);
  for (const row of itemRows) items.get(row.order_id)?.push(toOrderItem(row));
  const orders = found.map(({ order_id: orderId, status, created_at: createdAt }) => ({
    ...{ orderId, status: status as OrderStatus, createdAt },
    items: items.get(orderId) ?? [],
  }));
  return { orders, next };
}
