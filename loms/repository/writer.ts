import type { StoredShortage } from "../../drizzle/loms/schema.ts";
import { SHORT_SKUS_MAX } from "../../proto/loms/v1/order-shortage.ts";
import { type OrderStatus, sourcesOf } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import type { DurableRunner, RowOf } from "../../shared/postgres/statement.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type {
  NewOrder,
  OrderChange,
  OrderChangeOutcome,
  OrderCreateOutcome,
  OrderWriter,
} from "../domain/deps.ts";
import { orderCounters } from "./order-counters.ts";
import { retryConflicts } from "./retry-conflicts.ts";
import { EXPIRE_ORDERS, ORDER_CHANGE, ORDER_CREATE } from "./statements.ts";

/**
 * Writes lists of orders. Every call returns one outcome per element, in the list's order; an
 * element that is refused does not affect the others. A call is one transaction, and throws as
 * {@link OrderWriter} does, for all of its elements.
 */
export interface OrderListWriter extends Pick<OrderWriter, "expireOrders"> {
  orderCreate(
    orders: readonly NewOrder[],
    context: RequestContext,
  ): Promise<readonly OrderCreateOutcome[]>;
  orderPay(
    changes: readonly OrderChange[],
    context: RequestContext,
  ): Promise<readonly OrderChangeOutcome[]>;
  orderCancel(
    changes: readonly OrderChange[],
    context: RequestContext,
  ): Promise<readonly OrderChangeOutcome[]>;
}

export interface OrderWriterOptions {
  /** Of the primary. */
  readonly pool: DurableRunner;
  /** How long an order may await payment, in ms. */
  readonly paymentTimeoutMs: number;
  readonly metrics: Metrics;
  readonly random?: () => number;
}

/** Orders and stock in PostgreSQL. Each call is one statement, and so one transaction. */
export function createOrderListWriter(options: OrderWriterOptions): OrderListWriter {
  const { pool, paymentTimeoutMs, metrics, random = Math.random } = options;
  const counters = orderCounters(metrics);

  const run = <Result>(call: () => Promise<Result>, context: RequestContext) =>
    retryConflicts(call, context, random);

  async function change(
    target: "payed" | "cancelled",
    changes: readonly OrderChange[],
    context: RequestContext,
  ): Promise<readonly OrderChangeOutcome[]> {
    if (changes.length === 0) return [];
    const parameters = [
      changes.map(({ orderId }) => orderId),
      changes.map(({ traceparent }) => traceparent),
      target,
      sourcesOf(target),
    ] as const;
    const rows = await run(() => pool.run(ORDER_CHANGE, parameters, context), context);
    const outcomes = rows.map(toChangeOutcome);
    if (target === "payed") counters.countPayments(rows);
    else counters.countCancelled("buyer", rows.filter(({ kind }) => kind === "changed").length);
    return outcomes;
  }

  return {
    async orderCreate(orders, context) {
      if (orders.length === 0) return [];
      const parameters = [
        ...toColumns(orders),
        paymentTimeoutMs,
        SHORT_SKUS_MAX,
      ] as const;
      const rows = await run(() => pool.run(ORDER_CREATE, parameters, context), context);
      const outcomes = rows.map(toCreateOutcome);
      outcomes.forEach((outcome, place) => counters.countCreated(outcome, orders[place]?.items));
      return outcomes;
    },
    orderPay: (changes, context) => change("payed", changes, context),
    orderCancel: (changes, context) => change("cancelled", changes, context),
    async expireOrders(max, context) {
      const parameters = [max, context.traceparent, paymentTimeoutMs] as const;
      const [row] = await run(() => pool.run(EXPIRE_ORDERS, parameters, context), context);
      const cancelled = row?.cancelled ?? 0;
      counters.countCancelled("payment_timeout", cancelled);
      return cancelled;
    },
  };
}

function toColumns(orders: readonly NewOrder[]) {
  const lines = orders.flatMap(({ items }, index) =>
    items.map(({ sku, count, price }) => ({ place: index + 1, sku, count, price }))
  );
  return [
    orders.map(({ userId }) => userId),
    orders.map(({ idempotencyKey }) => idempotencyKey ?? null),
    orders.map(({ traceparent }) => traceparent),
    lines.map(({ place }) => place),
    lines.map(({ sku }) => sku),
    lines.map(({ count }) => count),
    lines.map(({ price }) => price ?? null),
  ] as const;
}

function toCreateOutcome(row: RowOf<typeof ORDER_CREATE.columns>): OrderCreateOutcome {
  const { order_id: orderId } = row;
  switch (row.kind) {
    case "created":
    case "key_reused":
      return { kind: row.kind, orderId };
    case "short": {
      const { skus, skus_total: skusTotal } = row.shortage as StoredShortage;
      return { kind: "short", shortage: { orderId, skus, skusTotal } };
    }
    default:
      throw new Error(`order_create answered "${row.kind}"`);
  }
}

function toChangeOutcome(row: RowOf<typeof ORDER_CHANGE.columns>): OrderChangeOutcome {
  switch (row.kind) {
    case "changed":
    case "unchanged":
    case "not_found":
    case "payment_overdue":
      return { kind: row.kind };
    case "wrong_status":
      return { kind: row.kind, status: row.status as OrderStatus };
    default:
      throw new Error(`order_change answered "${row.kind}"`);
  }
}
