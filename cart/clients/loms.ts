import { type Item, LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { STOCKS_INFO_SKUS_MAX } from "../../proto/loms/v1/limits.ts";
import { orderShortageDetail } from "../../proto/loms/v1/order-shortage.ts";
import { type RequestContext, within } from "../../shared/async/request-context.ts";
import { formatHostPort, type HostPort } from "../../shared/config.ts";
import { AppError } from "../../shared/errors.ts";
import { createGrpcClient, type GrpcClient, observedClient } from "../../shared/grpc/client.ts";
import { badRequest, errorInfo } from "../../shared/grpc/error-details.ts";
import { batcherMetrics, groupedCalls } from "../../shared/telemetry/batcher.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { Tracing } from "../../shared/telemetry/tracing.ts";
import type { Orders, Stocks } from "../domain/deps.ts";

// shared/telemetry/batcher.ts describes how these limits relate.

/** Queued calls. A longer queue would take seconds. */
const WAITING_MAX = 5_000;
/** Concurrent calls to loms. */
const BATCHES_MAX = 2;
/** After this time loms counts as not answering. */
const STALLED_AFTER_MS = 100;
/** More than in loms: stalled calls share one connection. */
const STALLED_MAX = 8;

/** The client of loms. It has one gRPC connection, which opens with the first call. */
export interface LomsClient extends Stocks, Orders {
  close(): void;
}

export function createLomsClient(
  address: HostPort,
  metrics: Metrics,
  tracing: Tracing,
): LomsClient {
  const client = createGrpcClient({
    definition: LomsDefinition,
    address: formatHostPort(address),
    errorDetails: [badRequest, orderShortageDetail, errorInfo("cart")],
  });
  const server = { service: "loms", address: address.host, port: address.port };
  const definition = LomsDefinition;
  return lomsClient(
    observedClient(client, { definition, server, metrics, tracing }),
    batcherMetrics(metrics, "loms.stocks_info"),
  );
}

export function lomsClient(
  client: GrpcClient<LomsDefinition>,
  onBatch?: (waitedMs: readonly number[]) => void,
): LomsClient {
  return {
    ...groupedStocks(client, onBatch),

    async orderCreate({ userId, items, idempotencyKey }, context) {
      const metadata = { "idempotency-key": idempotencyKey };
      const create = async (lines: Item[]) => {
        const request = { user: userId, items: lines };
        const { orderID } = await client.call("orderCreate", request, context, metadata);
        return orderID;
      };
      return await create([...items]).catch(async (error: unknown) => {
        if (!(error instanceof AppError) || error.code !== "already_exists") throw error;
        // The key is the revision of one cart, so only prices can differ: a store that has lost the
        // attempt still had the cart. The same items get the first answer of loms.
        try {
          if (error.orderId === undefined) throw error;
          const made = await client.call("orderInfo", { orderID: error.orderId }, context);
          return await create(made.items);
        } catch (cause) {
          // The first answer to the key was a refusal.
          if (cause instanceof AppError && cause.code === "failed_precondition") throw cause;
          throw orderNotRead(error.orderId, cause);
        }
      });
    },

    close: () => client.close(),
  };
}

/** The order exists, so its key must stay. */
function orderNotRead(orderId: bigint | undefined, cause: unknown): AppError {
  const order = orderId === undefined ? "an order" : `order ${orderId}`;
  const message = `The key belongs to ${order}, whose answer loms cannot repeat`;
  return new AppError("unavailable", message, { cause });
}

/**
 * Stock from loms. Calls that arrive while others are in progress become one StocksInfoList with
 * each SKU once; a single call becomes a StocksInfo. A batch starts after the calls that it serves,
 * so no answer is older than its call.
 */
function groupedStocks(
  client: GrpcClient<LomsDefinition>,
  onBatch?: (waitedMs: readonly number[]) => void,
): Stocks {
  const stocksInfo = groupedCalls<number, bigint | undefined>({
    batchMax: STOCKS_INFO_SKUS_MAX,
    waitingMax: WAITING_MAX,
    batchesMax: BATCHES_MAX,
    stalledAfterMs: STALLED_AFTER_MS,
    stalledMax: STALLED_MAX,
    ...(onBatch && { onBatch }),
    async run(skus, context) {
      const counts = await readCounts(client, [...new Set(skus)], context);
      return skus.map((sku) => counts.get(sku));
    },
  });
  return {
    stocksInfo: (sku, context) =>
      within(context.clock, context.remainingMs(), stocksInfo(sku, context), () => {
        throw new AppError("deadline_exceeded", "loms did not answer before the deadline");
      }),
  };
}

/** Without the SKUs that have no stock row. */
async function readCounts(
  client: GrpcClient<LomsDefinition>,
  skus: readonly number[],
  context: RequestContext,
): Promise<ReadonlyMap<number, bigint>> {
  const [sku] = skus;
  if (sku === undefined || skus.length > 1) {
    const { items } = await client.call("stocksInfoList", { skus: [...skus] }, context);
    return new Map(items.map((item) => [item.sku, item.count]));
  }
  try {
    const { count } = await client.call("stocksInfo", { sku }, context);
    return new Map([[sku, count]]);
  } catch (error) {
    if (error instanceof AppError && error.code === "not_found") return new Map();
    throw error;
  }
}
