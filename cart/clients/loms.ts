import { type Item, LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { orderShortageDetail } from "../../proto/loms/v1/order-shortage.ts";
import { formatHostPort, type HostPort } from "../../shared/config.ts";
import { AppError } from "../../shared/errors.ts";
import { createGrpcClient, type GrpcClient, observedClient } from "../../shared/grpc/client.ts";
import { badRequest } from "../../shared/grpc/error-details.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { Tracing } from "../../shared/telemetry/tracing.ts";
import type { OrderLine, Orders, Stocks } from "../domain/deps.ts";

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
  return lomsClient(observedClient(client, { definition, server, metrics, tracing }));
}

function toItem({ sku, count, price }: OrderLine): Item {
  return price === undefined ? { sku, count } : { sku, count, price };
}

export function lomsClient(client: GrpcClient<LomsDefinition>): LomsClient {
  return {
    async stocksInfo(sku, context) {
      try {
        const { count } = await client.call("stocksInfo", { sku }, context);
        return count;
      } catch (error) {
        if (error instanceof AppError && error.code === "not_found") return undefined;
        throw error;
      }
    },

    async orderCreate({ userId, items, idempotencyKey }, context) {
      const request = { user: userId, items: items.map(toItem) };
      const metadata = { "idempotency-key": idempotencyKey };
      const { orderID } = await client.call("orderCreate", request, context, metadata);
      return orderID;
    },

    close: () => client.close(),
  };
}
