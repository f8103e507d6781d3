import { describe, expect, test, vi } from "vitest";
import type { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { GrpcClient } from "../../shared/grpc/client.ts";
import { lomsClient } from "./loms.ts";

const clock = new VirtualClock();
const contextOf = (timeoutMs = 10_000) => new RequestContext({ traceparent: "", timeoutMs, clock });
const context = contextOf();

function answering(call: () => Promise<unknown>) {
  const mock = vi.fn(call);
  const client = { call: mock, close: () => {} } as unknown as GrpcClient<LomsDefinition>;
  return { mock, loms: lomsClient(client) };
}

describe("stocksInfo()", () => {
  test("resolves with the units that can be bought", async () => {
    const { loms, mock } = answering(() => Promise.resolve({ count: 2n ** 53n + 1n }));
    expect(await loms.stocksInfo(42, context)).toBe(9007199254740993n);
    expect(mock).toHaveBeenCalledWith("stocksInfo", { sku: 42 }, context);
  });

  test("resolves with undefined if loms has no stock row", async () => {
    const { loms } = answering(() => Promise.reject(new AppError("not_found", "no")));
    expect(await loms.stocksInfo(42, context)).toBeUndefined();
  });

  /** Two calls in progress, and the answer to those that arrive meanwhile. */
  function openBusy(answer: () => Promise<unknown>) {
    const ends: (() => void)[] = [];
    let calls = 0;
    const { loms, mock } = answering(() =>
      ++calls > 2 ? answer() : new Promise((resolve) => ends.push(() => resolve({ count: 0n })))
    );
    const under = async () => {
      void loms.stocksInfo(1, contextOf());
      await vi.waitFor(() => expect(mock).toHaveBeenCalledTimes(1));
      void loms.stocksInfo(2, contextOf());
      await vi.waitFor(() => expect(mock).toHaveBeenCalledTimes(2));
    };
    return { loms, mock, under, end: () => ends.forEach((each) => each()) };
  }

  test("waiting calls become one call with each SKU once, until the latest deadline", async () => {
    const items = [{ sku: 42, count: 7n }, { sku: 43, count: 0n }];
    const { loms, mock, under, end } = openBusy(() => Promise.resolve({ items }));
    await under();
    const answers = [42, 43, 42, 44].map((sku) => loms.stocksInfo(sku, contextOf(sku * 1_000)));
    end();
    expect(await Promise.all(answers)).toEqual([7n, 0n, 7n, undefined]);
    expect(mock).toHaveBeenCalledTimes(3);
    const [method, request, shared] = mock.mock.lastCall as unknown as [
      string,
      unknown,
      RequestContext,
    ];
    expect([method, request]).toEqual(["stocksInfoList", { skus: [42, 43, 44] }]);
    expect(shared.remainingMs()).toBe(44_000);
  });

  test("each caller of a shared call keeps its own deadline", async () => {
    const { loms, mock, under, end } = openBusy(() => new Promise(() => {}));
    await under();
    const hurried = loms.stocksInfo(42, contextOf(10));
    void loms.stocksInfo(43, contextOf(1_000)).catch(() => {});
    end();
    await vi.waitFor(() => expect(mock).toHaveBeenCalledTimes(3));
    const rejected = expect(hurried).rejects.toMatchObject({ code: "deadline_exceeded" });
    await clock.advance(10);
    await rejected;
  });

  test("returns any other failure unchanged", async () => {
    const away = new AppError("unavailable", "no");
    const { loms } = answering(() => Promise.reject(away));
    await expect(loms.stocksInfo(42, contextOf())).rejects.toBe(away);
  });
});

describe("orderCreate()", () => {
  const order = {
    userId: 7n,
    items: [{ sku: 42, count: 3 }, { sku: 43, count: 1, price: 0 }],
    idempotencyKey: "once",
  };

  test("sends the key with the order and resolves with the id", async () => {
    const { loms, mock } = answering(() => Promise.resolve({ orderID: 2n ** 63n - 1n }));
    expect(await loms.orderCreate(order, context)).toBe(9223372036854775807n);
    const request = { user: 7n, items: order.items };
    const metadata = { "idempotency-key": "once" };
    expect(mock).toHaveBeenCalledWith("orderCreate", request, context, metadata);
  });

  test("gets the first answer to a key whose order has other prices", async () => {
    const { loms, mock } = answering(() => Promise.resolve({ orderID: 5n }));
    const facts = { orderId: 5n };
    mock.mockRejectedValueOnce(new AppError("already_exists", "other items", facts));
    const items = [{ sku: 42, count: 3, price: 9 }, { sku: 43, count: 1 }];
    mock.mockResolvedValueOnce({ status: "awaiting payment", user: 7n, items });
    expect(await loms.orderCreate(order, context)).toBe(5n);
    const calls = mock.mock.calls as unknown as [string, unknown][];
    expect(calls.slice(1).map(([method, request]) => [method, request])).toEqual([
      ["orderInfo", { orderID: 5n }],
      ["orderCreate", { user: 7n, items }],
    ]);
  });

  test.each(
    [
      { failing: "orderInfo", code: "resource_exhausted" },
      { failing: "orderInfo", code: "not_found" },
      { failing: "orderCreate", code: "resource_exhausted" },
      { failing: "orderCreate", code: "already_exists" },
    ] as const,
  )("has an unknown outcome when $failing fails with $code", async (failure) => {
    const { loms, mock } = answering(() => Promise.reject(new AppError(failure.code, "no")));
    const facts = { orderId: 5n };
    mock.mockRejectedValueOnce(new AppError("already_exists", "other items", facts));
    if (failure.failing === "orderCreate") mock.mockResolvedValueOnce({ items: [] });
    await expect(loms.orderCreate(order, context)).rejects.toMatchObject({ code: "unavailable" });
  });

  test("repeats a first answer that was a refusal", async () => {
    const short = new AppError("failed_precondition", "no");
    const { loms, mock } = answering(() => Promise.reject(short));
    const facts = { orderId: 5n };
    mock.mockRejectedValueOnce(new AppError("already_exists", "other items", facts));
    mock.mockResolvedValueOnce({ items: [] });
    await expect(loms.orderCreate(order, context)).rejects.toBe(short);
  });

  test("returns the shortage", async () => {
    const shortage = { orderId: 5n, skus: [], skusTotal: 0 };
    const short = new AppError("failed_precondition", "no", { shortage });
    const { loms } = answering(() => Promise.reject(short));
    await expect(loms.orderCreate(order, context)).rejects.toBe(short);
  });
});
