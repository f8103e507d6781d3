import { vi } from "vitest";
import type { OrderPages, OrderReader, OrderWriter } from "./domain/deps.ts";
import type { StockDeps, StockReader, StockWriter } from "./domain/stock-deps.ts";

/** Fake dependencies of the operations: every call succeeds unless a test changes it. */
export function fakeDeps() {
  const writer = {
    orderCreate: vi.fn<OrderWriter["orderCreate"]>(() =>
      Promise.resolve({ kind: "created", orderId: 9n })
    ),
    orderPay: vi.fn<OrderWriter["orderPay"]>(() => Promise.resolve({ kind: "changed" })),
    orderCancel: vi.fn<OrderWriter["orderCancel"]>(() => Promise.resolve({ kind: "unchanged" })),
    expireOrders: vi.fn<OrderWriter["expireOrders"]>(() => Promise.resolve(0)),
  };
  const reader = {
    orderInfo: vi.fn<OrderReader["orderInfo"]>((orderId) =>
      Promise.resolve({ orderId, userId: 7n, status: "payed", items: [{ sku: 1, count: 2 }] })
    ),
    stocksInfo: vi.fn<OrderReader["stocksInfo"]>(() =>
      Promise.resolve({ totalCount: 2n ** 63n - 1n, reserved: 0n })
    ),
    stocksInfoList: vi.fn<OrderReader["stocksInfoList"]>((skus) =>
      Promise.resolve(skus.map((sku) => ({ sku, totalCount: 2n ** 63n - 1n, reserved: 0n })))
    ),
  };
  const orderPages = {
    orderList: vi.fn<OrderPages["orderList"]>(() =>
      Promise.resolve({ orders: [], next: undefined })
    ),
  };
  return { writer, reader, orderPages };
}

/** Fake dependencies of the operations on stock, which is empty unless a test changes it. */
export function fakeStockDeps() {
  return {
    stockWriter: {
      stockChange: vi.fn<StockWriter["stockChange"]>(() =>
        Promise.resolve({ kind: "changed", lines: [] })
      ),
    },
    stockReader: {
      stockList: vi.fn<StockReader["stockList"]>(() => Promise.resolve([])),
      stockMovements: vi.fn<StockReader["stockMovements"]>(() => Promise.resolve([])),
    },
    wakeStockRelay: vi.fn<StockDeps["wakeStockRelay"]>(),
  };
}
