import { describe, expect, test, vi } from "vitest";
import type { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { GrpcClient } from "../../shared/grpc/client.ts";
import { lomsClient } from "./loms.ts";

const context = new RequestContext({ traceparent: "", timeoutMs: 1, clock: new VirtualClock() });

function answering(call: () => Promise<unknown>) {
  const mock = vi.fn(call);
  const client = { call: mock, close: () => {} } as unknown as GrpcClient<LomsDefinition>;
  return { mock, loms: lomsClient(client) };
}

describe("stocksInfo()", () => {
  test("resolves with what can be bought", async () => {
    const { loms, mock } = answering(() => Promise.resolve({ count: 2n ** 53n + 1n }));
    expect(await loms.stocksInfo(42, context)).toBe(9007199254740993n);
    expect(mock).toHaveBeenCalledWith("stocksInfo", { sku: 42 }, context);
  });

  test("resolves with undefined when loms has no stock row", async () => {
    const { loms } = answering(() => Promise.reject(new AppError("not_found", "no")));
    expect(await loms.stocksInfo(42, context)).toBeUndefined();
  });

  test("passes on any other failure", async () => {
    const away = new AppError("unavailable", "no");
    const { loms } = answering(() => Promise.reject(away));
    await expect(loms.stocksInfo(42, context)).rejects.toBe(away);
  });
});

describe("orderCreate()", () => {
  const order = {
    userId: 7n,
    items: [{ sku: 42, count: 3 }, { sku: 43, count: 1, price: 0 }],
    idempotencyKey: "once",
  };

  test("sends the key beside the order and resolves with the id", async () => {
    const { loms, mock } = answering(() => Promise.resolve({ orderID: 2n ** 63n - 1n }));
    expect(await loms.orderCreate(order, context)).toBe(9223372036854775807n);
    const request = { user: 7n, items: order.items };
    const metadata = { "idempotency-key": "once" };
    expect(mock).toHaveBeenCalledWith("orderCreate", request, context, metadata);
  });

  test("passes on the shortage", async () => {
    const shortage = { orderId: 5n, skus: [], skusTotal: 0 };
    const short = new AppError("failed_precondition", "no", { shortage });
    const { loms } = answering(() => Promise.reject(short));
    await expect(loms.orderCreate(order, context)).rejects.toBe(short);
  });
});
