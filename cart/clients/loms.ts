import { type Item, LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { orderShortageDetail } from "../../proto/loms/v1/order-shortage.ts";
import { formatHostPort, type HostPort } from "../../shared/config.ts";
import { createGrpcClient, type GrpcClient, observedClient } from "../../shared/grpc/client.ts";
import { badRequest } from "../../shared/grpc/error-details.ts";
import { batcherMetrics } from "../../shared/telemetry/batcher-metrics.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { Tracing } from "../../shared/telemetry/tracing.ts";
import type { OrderLine, Orders, Stocks } from "../domain/deps.ts";
import { groupedStocks } from "./grouped-stocks.ts";

/** loms as cart sees it, over one gRPC connection that opens with the first call. */
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
    errorDetails: [badRequest, orderShortageDetail],
  });
  const server = { service: "loms", address: address.host, port: address.port };
  const definition = LomsDefinition;
  return lomsClient(
    observedClient(client, { definition, server, metrics, tracing }),
    batcherMetrics(metrics, "loms.stocks_info"),
  );
}

function toItem({ sku, count, price }: OrderLine): Item {
  return price === undefined ? { sku, count } : { sku, count, price };
}

export function lomsClient(
  client: GrpcClient<LomsDefinition>,
  onBatch?: (waitedMs: readonly number[]) => void,
): LomsClient {
  return {
    ...groupedStocks(client, onBatch),

    async orderCreate({ userId, items, idempotencyKey }, context) {
      const request = { user: userId, items: items.map(toItem) };
      const metadata = { "idempotency-key": idempotencyKey };
      const { orderID } = await client.call("orderCreate", request, context, metadata);
      return orderID;
    },

    close: () => client.close(),
  };
}
