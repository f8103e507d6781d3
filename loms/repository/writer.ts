import type { StoredShortage } from "../../drizzle/loms/schema.ts";
import { SHORT_SKUS_MAX } from "../../proto/loms/v1/order-shortage.ts";
import {
  type EndReason,
  ORDER_STATUSES,
  type OrderStatus,
  REASONS_BY_STATUS,
  sourcesOf,
} from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import { isOwnFault } from "../../shared/postgres/database-error.ts";
import type { DurableRunner, RowOf } from "../../shared/postgres/statement.ts";
import { batcherMetrics, groupedCalls } from "../../shared/telemetry/batcher.ts";
import { counterFamily, type Metrics } from "../../shared/telemetry/metrics.ts";
import type {
  NewOrder,
  OrderChange,
  OrderChangeOutcome,
  OrderCreateOutcome,
  OrderWriter,
} from "../domain/deps.ts";
import { orderTotalPrice } from "../domain/order-create.ts";
import type { OrderEventRow } from "../outbox/order-outbox.ts";
import { EXPIRE_ORDERS, ORDER_CHANGE, ORDER_CREATE } from "./statements.ts";

// Group commit (docs/decisions/0045): orders that arrive while a transaction is in progress share
// the next one. Each is admitted separately, in the order of arrival. A transaction that the server
// rolled back because of its contents has done nothing, and each of its halves is sent, down to the
// order that caused it.

/** shared/telemetry/batcher.ts describes how these relate. */
const GROUP_LIMITS = {
  /** Limits the duration of a transaction, and of its locks, to some 20 ms. */
  batchMax: 256,
  /** The same in lines of orders; a single order may have 1000. */
  weightMax: 4_000,
  /** Queued calls of each kind: what an overloaded loms answers within a second. */
  waitingMax: 2_000,
  /** Transactions of each kind. A second would share locks and CPUs, and gain nothing. */
  batchesMax: 1,
  /** A transaction that takes this long waits for a lock or for the server. */
  stalledAfterMs: 200,
  stalledMax: 2,
  graceMs: 100,
};

type CreatedRow = RowOf<typeof ORDER_CREATE.columns>;
type ChangedRow = RowOf<typeof ORDER_CHANGE.columns>;

/** Writes a list and returns one outcome per element, in the list's order. */
type WriteList<Item, Outcome> = (
  items: readonly Item[],
  context: RequestContext,
) => Promise<readonly Outcome[]>;

/**
 * Writes lists of orders. A refused element does not affect the others. A call is one transaction;
 * it throws for all of its elements, as {@link OrderWriter} does.
 */
export interface OrderListWriter extends Pick<OrderWriter, "expireOrders"> {
  orderCreate: WriteList<NewOrder, OrderCreateOutcome>;
  orderPay: WriteList<OrderChange, OrderChangeOutcome>;
  orderCancel: WriteList<OrderChange, OrderChangeOutcome>;
}

export interface OrderWriterOptions {
  /** A pool of the primary. */
  readonly pool: DurableRunner;
  /** How long an order may await payment, in ms. */
  readonly paymentTimeoutMs: number;
  readonly metrics: Metrics;
  /** Called with the events of each write of known outcome, and whether it wrote stock events. */
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
    pass(changeEvents(target, target === "cancelled" ? "buyer" : null, changes, rows), rows);
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
      const { traceparent } = context;
      const parameters = [max, traceparent, paymentTimeoutMs] as const;
      const rows = await pool.run(EXPIRE_ORDERS, parameters, context, ({ length }) => length > 0);
      const expired = rows.map(({ order_id: orderId }) => ({ orderId, traceparent }));
      pass(changeEvents("cancelled", "payment_timeout", expired, rows), rows);
      return rows.length;
    },
  };
}

/** Writes single orders; those that arrive together share one transaction of `lists`. */
export function createGroupedWriter(
  lists: OrderListWriter,
  metrics: Metrics,
  { batchesMax = GROUP_LIMITS.batchesMax } = {},
): OrderWriter {
  function grouped<Item, Outcome>(
    name: string,
    write: WriteList<Item, Outcome>,
    linesOf: (item: Item) => number,
  ) {
    return groupedCalls<Item, Outcome>({
      ...GROUP_LIMITS,
      batchesMax,
      weightOf: linesOf,
      isDivisible: isOwnFault,
      onBatch: batcherMetrics(metrics, name),
      run: write,
    });
  }

  // The duration of a write grows with its lines, which are not known here.
  const noLines = () => 0;
  return {
    orderCreate: grouped("order_create", lists.orderCreate, ({ items }) => items.length),
    orderPay: grouped("order_pay", lists.orderPay, noLines),
    orderCancel: grouped("order_cancel", lists.orderCancel, noLines),
    expireOrders: lists.expireOrders,
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

function toCreateOutcome(row: CreatedRow): OrderCreateOutcome {
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

function toChangeOutcome(row: ChangedRow): OrderChangeOutcome {
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

// The events that a write has put into the outbox, from the rows of its statement, one per order.
// An order that existed or did not change has none.

function createEvents(orders: readonly NewOrder[], rows: readonly CreatedRow[]): OrderEventRow[] {
  return rows.flatMap(({ kind, order_id, first_event, second_event, at }, index) => {
    if (first_event === null) return [];
    const { userId, traceparent } = orders[index] as NewOrder;
    const event = { order_id, user_id: userId, at, traceparent, refused_before: null };
    const second = kind === "short"
      ? { status: "failed", reason: "out_of_stock" }
      : { status: "awaiting payment", reason: null };
    return [
      { ...event, id: first_event, seq: 1, status: "new", reason: null },
      { ...event, id: second_event, seq: 2, ...second },
    ];
  });
}

function changeEvents(
  status: "payed" | "cancelled",
  reason: EndReason | null,
  changes: readonly OrderChange[],
  rows: readonly Pick<ChangedRow, "event_id" | "user_id" | "seq" | "at">[],
): OrderEventRow[] {
  return rows.flatMap(({ event_id: id, user_id, seq, at }, index) => {
    if (id === null) return [];
    const { orderId: order_id, traceparent } = changes[index] as OrderChange;
    return [{ id, order_id, user_id, seq, status, at, traceparent, refused_before: null, reason }];
  });
}

const ORDER_TRANSITIONS_TOTAL = counterFamily({
  name: "order_transitions_total",
  help: "Changes of order status; from `none` for a new order, with the reason for a cancelled " +
    "or failed one",
  labels: ["from", "to", "reason"],
});

const ORDER_VALUE_TOTAL = counterFamily({
  name: "order_value_total",
  help: "Total price of orders by their new status; orders with a line without a price are not " +
    "counted",
  labels: ["to"],
});

const ORDER_LATE_PAYMENTS_TOTAL = counterFamily({
  name: "order_late_payments_total",
  help: "Payments refused because the order was cancelled or past its deadline",
});

const STOCK_RESERVATIONS_SHORT_TOTAL = counterFamily({
  name: "stock_reservations_short_total",
  help: "Order lines that stock could not cover",
});

/** Counts the status changes of this process by their events. */
function orderCounters(metrics: Metrics) {
  const transitions = metrics.counter(ORDER_TRANSITIONS_TOTAL);
  const values = metrics.counter(ORDER_VALUE_TOTAL);
  const latePayments = metrics.counter(ORDER_LATE_PAYMENTS_TOTAL);
  const shortLines = metrics.counter(STOCK_RESERVATIONS_SHORT_TOTAL);
  // Each status has one predecessor.
  const sources = new Map(ORDER_STATUSES.map((to) => [to, sourcesOf(to)[0]]));
  const count = (to: OrderStatus, reason: string | null, orders: number) => {
    transitions.inc({ from: sources.get(to) ?? "none", to, ...reason && { reason } }, orders);
  };
  const reasons: Partial<Record<OrderStatus, readonly EndReason[]>> = REASONS_BY_STATUS;
  // Zeros make the first change of each kind visible as an increase.
  for (const to of ORDER_STATUSES) {
    for (const reason of reasons[to] ?? [null]) count(to, reason, 0);
  }
  for (const to of ["awaiting payment", "payed"]) values.inc({ to }, 0);

  return {
    countEvents(events: readonly OrderEventRow[]): void {
      for (const { status, reason } of events) count(status as OrderStatus, reason, 1);
    },
    countCreated(orders: readonly NewOrder[], rows: readonly CreatedRow[]): void {
      for (const [index, { kind, first_event, shortage }] of rows.entries()) {
        if (first_event === null) continue;
        if (kind === "short") shortLines.inc((shortage as StoredShortage).skus_total);
        else {
          const price = orderTotalPrice(orders[index]?.items ?? []);
          values.inc({ to: "awaiting payment" }, Number(price ?? 0n));
        }
      }
    },
    countPayments(rows: readonly ChangedRow[]): void {
      for (const { kind, status, total_price } of rows) {
        if (kind === "changed") values.inc({ to: "payed" }, Number(total_price ?? 0n));
        // loms_order_change_events records the same.
        const isLate = kind === "payment_overdue" ||
          kind === "wrong_status" && status === "cancelled";
        if (isLate) latePayments.inc(1);
      }
    },
  };
}
