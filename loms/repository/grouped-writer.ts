import { isOwnFault } from "../../shared/postgres/database-error.ts";
import { batcherMetrics, groupedCalls } from "../../shared/telemetry/batcher.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { OrderWriter } from "../domain/deps.ts";
import type { OrderListWriter, WriteList } from "./writer.ts";

// Group commit: orders that arrive while a transaction is in progress share the next one.
// Each order is admitted separately, in the order of arrival. If the deadline of a waiting order
// passes, it was not sent, and its outcome is known. If the outcome of a transaction is lost, it is
// unknown for the orders of that transaction only.
//
// A transaction that the server rolled back because of its contents has done nothing, and each of
// its halves is sent, down to the order that caused it.

// shared/telemetry/batcher.ts says how these limits relate.

/** Limits the duration of a transaction, and of its locks, to some 20 ms. */
const ORDERS_MAX = 256;
/** The same for orders with many lines; a single order may have 1000. */
const LINES_MAX = 4_000;
/** Queued calls of each kind: what an overloaded loms answers within a second. */
const WAITING_MAX = 2_000;
/** Concurrent transactions of each kind. A second would share locks and CPUs, and gain nothing. */
const BATCHES_MAX = 1;
/** A transaction that takes this long waits for a lock or for the server. */
const STALLED_AFTER_MS = 200;
const STALLED_MAX = 2;
const GRACE_MS = 100;

/** Writes single orders; those that arrive together share one transaction of `lists`. */
export function createGroupedWriter(
  lists: OrderListWriter,
  metrics: Metrics,
  { batchesMax = BATCHES_MAX } = {},
): OrderWriter {
  function grouped<Item, Outcome>(
    name: string,
    write: WriteList<Item, Outcome>,
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

  // The duration of a write grows with its lines. Those of the changed orders are not known here.
  const noLines = () => 0;
  return {
    orderCreate: grouped("order_create", lists.orderCreate, ({ items }) => items.length),
    orderPay: grouped("order_pay", lists.orderPay, noLines),
    orderCancel: grouped("order_cancel", lists.orderCancel, noLines),
    expireOrders: lists.expireOrders,
  };
}
