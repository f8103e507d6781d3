import type { StoredShortage } from "../../drizzle/loms/schema.ts";
import { SHORT_SKUS_MAX } from "../../proto/loms/v1/order-shortage.ts";
import { type OrderStatus, sourcesOf } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import { isOwnFault } from "../../shared/postgres/database-error.ts";
import type { DurableRunner, RowOf } from "../../shared/postgres/statement.ts";
import { batcherMetrics, groupedCalls } from "../../shared/telemetry/grouped-calls.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type {
  NewOrder,
  OrderChange,
  OrderChangeOutcome,
  OrderCreateOutcome,
  OrderWriter,
} from "../domain/deps.ts";
import type { OrderEventRow } from "../outbox/order-outbox.ts";
import { changeEvents, createEvents, expiryEvents, orderCounters } from "./order-events.ts";
import { EXPIRE_ORDERS, ORDER_CHANGE, ORDER_CREATE } from "./statements.ts";

// Group commit: orders that arrive while a transaction is in progress share the next one.
//
// Each order is admitted by itself, in the order of arrival. An order that waits has not been sent:
// it ends at its caller's deadline, and its outcome is known. One that was sent has the outcome of
// its transaction: when that is lost, it is unknown for the orders of that one alone.
//
// A transaction that the server rolled back because of its contents has done nothing, and each of
// its halves is sent, down to the order that caused it.

/** Keeps a transaction, and the locks that it holds, to some 20 ms. */
const ORDERS_MAX = 256;
/** The same for orders of many lines; a single one may have 1000. */
const LINES_MAX = 4_000;
/** Calls of each kind that may wait: more would wait for seconds. */
const WAITING_MAX = 5_000;
/** Transactions of each kind at once. Two share the locks and the processors, and gain nothing. */
const BATCHES_MAX = 1;
/** One that takes this long waits for a lock of others, or for a server that does not answer. */
const STALLED_AFTER_MS = 200;
/** So many stalled ones do not stop the next from starting; the rest needs connections, too. */
const STALLED_MAX = 2;
/** How much longer a transaction may take than its callers wait, who have answers by then. */
const GRACE_MS = 100;

/** Writes single orders, those that arrive together in one transaction of `lists`. */
export function createGroupedWriter(
  lists: OrderListWriter,
  metrics: Metrics,
  { batchesMax = BATCHES_MAX } = {},
): OrderWriter {
  function grouped<Item, Outcome>(
    name: string,
    write: (items: readonly Item[], context: RequestContext) => Promise<readonly Outcome[]>,
    linesOf: (item: Item) => number,
  ) {
    return groupedCalls<Item, Outcome>({
      batchMax: ORDERS_MAX,
      waitingMax: WAITING_MAX,
      batchesMax,
      weightMax: LINES_MAX,
      weightOf: linesOf,
      stalledAfterMs: STALLED_AFTER_MS,
      stalledMax: STALLED_MAX,
      graceMs: GRACE_MS,
      isDivisible: isOwnFault,
      onBatch: batcherMetrics(metrics, name),
      run: write,
    });
  }

  // The lines of an order that changes are not known here.
  const noLines = () => 0;
  return {
    orderCreate: grouped("order_create", lists.orderCreate, ({ items }: NewOrder) => items.length),
    orderPay: grouped("order_pay", lists.orderPay, noLines),
    orderCancel: grouped("order_cancel", lists.orderCancel, noLines),
    expireOrders: lists.expireOrders,
  };
}

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
  /**
   * Called with the events of each write whose outcome is known, in their order, and whether it
   * also wrote stock events.
   */
  readonly onEvents?: (events: readonly OrderEventRow[], stockEvents: boolean) => void;
}

/** Orders and stock in PostgreSQL. Each call is one statement, and so one transaction. */
export function createOrderListWriter(options: OrderWriterOptions): OrderListWriter {
  const { pool, paymentTimeoutMs, metrics, onEvents = () => {} } = options;
  const counters = orderCounters(metrics);

  const pass = (events: readonly OrderEventRow[], rows: readonly { stock_events: boolean }[]) => {
    counters.countEvents(events);
    onEvents(events, rows[0]?.stock_events ?? false);
  };

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
    const rows = await pool.run(ORDER_CHANGE, parameters, context);
    pass(changeEvents(target, changes, rows), rows);
    if (target === "payed") counters.countPayments(rows);
    return rows.map(toChangeOutcome);
  }

  return {
    async orderCreate(orders, context) {
      if (orders.length === 0) return [];
      const parameters = [...toColumns(orders), paymentTimeoutMs, SHORT_SKUS_MAX] as const;
      const rows = await pool.run(ORDER_CREATE, parameters, context);
      pass(createEvents(orders, rows), rows);
      counters.countCreated(orders, rows);
      return rows.map(toCreateOutcome);
    },
    orderPay: (changes, context) => change("payed", changes, context),
    orderCancel: (changes, context) => change("cancelled", changes, context),
    async expireOrders(max, context) {
      const parameters = [max, context.traceparent, paymentTimeoutMs] as const;
      const rows = await pool.run(EXPIRE_ORDERS, parameters, context);
      pass(expiryEvents(rows, context), rows);
      return rows.length;
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
