import { LATE_PAYMENTS } from "../../loms/repository/read-statements.ts";
import { ORDER_PAGE_MAX } from "../../proto/loms/v1/schemas.ts";
import { ORDER_STATUSES, type OrderStatus } from "../../proto/order-status.ts";
import type { RowOf, StatementRunner } from "../../shared/postgres/statement.ts";
import type { ListedOrder } from "../clients/gen/loms/types.gen.ts";
import type { lomsClient } from "../clients/clients.ts";
import { orderLine } from "../list-lines.ts";
import { statementContext } from "../loms-database.ts";
import { type Outcome, UsageError } from "../tool.ts";

type LatePayment = RowOf<typeof LATE_PAYMENTS.columns>;

/** Up to `max` orders with late payments, the newest try first. */
export async function listLatePayments(pool: StatementRunner, max: number): Promise<Outcome> {
  const rows = await pool.run(LATE_PAYMENTS, [max], statementContext());
  const data = rows.map(({ order_id: orderID, user_id: user, total_price, ...rest }) => ({
    ...{ orderID, user, ...rest },
    ...(total_price !== null && { total_price }),
  }));
  const count = rows.length === max ? `the newest ${max}` : `${rows.length}`;
  const head = `${count} order${rows.length === 1 ? "" : "s"} with late payments`;
  return { data: { late_payments: data }, lines: [head, ...rows.map(latePaymentLine)] };
}

function latePaymentLine(row: LatePayment): string {
  const { order_id, user_id, status, reason, total_price, first_at, last_at, tries } = row;
  const ended = reason === null ? status : `${status}, ${reason}`;
  const price = total_price === null ? "price unknown" : `price ${total_price}`;
  const when = tries === 1 ? `one try, ${first_at}` : `${tries} tries, ${first_at} to ${last_at}`;
  return `  order ${order_id} of user ${user_id}  ${ended}  ${price}  ${when}`;
}

/** Up to `max` orders of a user, newest first, of the statuses given or of any. */
export async function listOrders(
  loms: ReturnType<typeof lomsClient>,
  user: bigint,
  statuses: readonly string[],
  max: number,
): Promise<Outcome> {
  const filter = { user, statuses: statuses.map(toStatus) };
  const orders: ListedOrder[] = [];
  let token = "";
  do {
    const page_size = Math.min(max - orders.length, ORDER_PAGE_MAX);
    const body = { ...filter, page_size, page_token: token };
    const { data } = await loms.orderList({ body, throwOnError: true });
    orders.push(...data.orders);
    token = data.next_page_token;
  } while (token !== "" && orders.length < max);
  const more = token === "" ? [] : [`there are more than ${max}: --max lists more`];
  return { data: { orders }, lines: [...orders.map(orderLine), ...more] };
}

function toStatus(text: string): OrderStatus {
  const status = ORDER_STATUSES.find((each) => each === text);
  if (status) return status;
  throw new UsageError(`--status is one of ${ORDER_STATUSES.join(", ")}, not ${text}`);
}
