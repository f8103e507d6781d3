import { isOwnFault } from "../../shared/postgres/database-error.ts";
import { batcherMetrics, groupedCalls } from "../../shared/telemetry/grouped-calls.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { OrderWriter } from "../domain/deps.ts";
import { lineCount, type OrderListWriter, type WriteList } from "./writer.ts";

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

  // The lines of an order that changes are not known here.
  const noLines = () => 0;
  return {
    orderCreate: grouped("order_create", lists.orderCreate, lineCount),
    orderPay: grouped("order_pay", lists.orderPay, noLines),
    orderCancel: grouped("order_cancel", lists.orderCancel, noLines),
    expireOrders: lists.expireOrders,
  };
}
