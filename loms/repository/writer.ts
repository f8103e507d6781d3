import type { StoredShortage } from "../../drizzle/loms/schema.ts";
import { SHORT_SKUS_MAX } from "../../proto/loms/v1/order-shortage.ts";
import { type OrderStatus, sourcesOf } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import { retry } from "../../shared/async/retry.ts";
import { isConflict } from "../../shared/postgres/database-error.ts";
import type { DurableRunner } from "../../shared/postgres/durability.ts";
import type { RowOf } from "../../shared/postgres/statement.ts";
import type {
  NewOrder,
  OrderChange,
  OrderChangeOutcome,
  OrderCreateOutcome,
  OrderWriter,
} from "../domain/deps.ts";
import { EXPIRE_ORDERS, ORDER_CHANGE, ORDER_CREATE } from "./statements.ts";

/**
 * The functions lock in one order, so only something outside of them can get into their way; what
 * was rolled back for that is done again as a whole.
 */
const CONFLICT_RETRIES_MAX = 5;
const CONFLICT_BACKOFF_MS = 5;
const CONFLICT_BACKOFF_MAX_MS = 100;

export interface OrderWriterOptions {
  /** Of the primary. */
  readonly pool: DurableRunner;
  /** How long an order may await payment, in ms. */
  readonly paymentTimeoutMs: number;
  readonly random?: () => number;
}

/** Orders and stock in PostgreSQL. Each call is one statement, and so one transaction. */
export function createOrderWriter(options: OrderWriterOptions): OrderWriter {
  const { pool, paymentTimeoutMs, random = Math.random } = options;

  function again<Result>(
    call: () => Promise<Result>,
    context: RequestContext,
  ): Promise<Result> {
    return retry(call, {
      retriesMax: CONFLICT_RETRIES_MAX,
      backoffMs: CONFLICT_BACKOFF_MS,
      backoffMaxMs: CONFLICT_BACKOFF_MAX_MS,
      clock: context.clock,
      random,
      advise: (error) => isConflict(error) ? {} : undefined,
    }, context);
  }

  async function change(
    target: OrderStatus,
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
    const rows = await again(() => pool.run(ORDER_CHANGE, parameters, context), context);
    return rows.map(toChangeOutcome);
  }

  return {
    async orderCreate(orders, context) {
      if (orders.length === 0) return [];
      const parameters = [
        ...toColumns(orders),
        paymentTimeoutMs,
        SHORT_SKUS_MAX,
      ] as const;
      const rows = await again(() => pool.run(ORDER_CREATE, parameters, context), context);
      return rows.map(toCreateOutcome);
    },
    orderPay: (changes, context) => change("payed", changes, context),
    orderCancel: (changes, context) => change("cancelled", changes, context),
    async expireOrders(max, context) {
      const parameters = [max, context.traceparent, paymentTimeoutMs] as const;
      const [row] = await again(() => pool.run(EXPIRE_ORDERS, parameters, context), context);
      return row?.cancelled ?? 0;
    },
  };
}

function toColumns(orders: readonly NewOrder[]) {
  const lines = orders.flatMap(({ items }, index) =>
    items.map(({ sku, count }) => ({ place: index + 1, sku, count }))
  );
  return [
    orders.map(({ userId }) => userId),
    orders.map(({ idempotencyKey }) => idempotencyKey ?? null),
    orders.map(({ traceparent }) => traceparent),
    lines.map(({ place }) => place),
    lines.map(({ sku }) => sku),
    lines.map(({ count }) => count),
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
