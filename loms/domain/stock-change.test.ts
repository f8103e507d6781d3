import { expect, test } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { fakeStockDeps } from "../deps-fixture.ts";
import { stockChange } from "./stock-change.ts";
import type { StockChange } from "./stock-deps.ts";

const context = new RequestContext({ traceparent: "", timeoutMs: 1, clock: new VirtualClock() });
const change: StockChange = {
  kind: "received",
  lines: [{ sku: 42, count: 3n }],
  reason: "delivery",
  reference: "note 1",
};

test("stockChange() returns the new stock and wakes the relay", async () => {
  const deps = fakeStockDeps();
  const lines = [{ sku: 42, totalCount: 5n, reserved: 1n }];
  deps.stockWriter.stockChange.mockResolvedValue({ kind: "changed", lines });
  expect(await stockChange(deps, change, context)).toEqual(lines);
  expect(deps.stockWriter.stockChange).toHaveBeenCalledExactlyOnceWith(change, context);
  expect(deps.wakeStockRelay).toHaveBeenCalledOnce();
});

test("stockChange() throws already_exists for the reference of another change", async () => {
  const deps = fakeStockDeps();
  deps.stockWriter.stockChange.mockResolvedValue({ kind: "reference_reused" });
  await expect(stockChange(deps, change, context)).rejects.toMatchObject({
    code: "already_exists",
    message: 'The reference "note 1" belongs to a change with other contents',
  });
  expect(deps.wakeStockRelay).not.toHaveBeenCalled();
});

test("stockChange() throws failed_precondition with each SKU and its numbers", async () => {
  const deps = fakeStockDeps();
  deps.stockWriter.stockChange.mockResolvedValue({
    kind: "refused",
    lines: [
      { rule: "below_reserved", sku: 42, totalCount: -3n, reserved: 2n },
      { rule: "above_maximum", sku: 43, totalCount: 2n ** 63n - 1n, reserved: 0n },
    ],
  });
  await expect(stockChange(deps, change, context)).rejects.toMatchObject({
    code: "failed_precondition",
    message: "Nothing was changed: sku 42 would have a total of -3, and 2 are reserved; " +
      "sku 43 has a total of 9223372036854775807 already, and the sum does not fit an int64",
  });
});

test("stockChange() names ten refused lines and the number of further ones", async () => {
  const deps = fakeStockDeps();
  const lines = Array.from({ length: 12 }, (_, index) => ({
    ...{ rule: "below_reserved", sku: index + 1, totalCount: 0n, reserved: 1n } as const,
  }));
  deps.stockWriter.stockChange.mockResolvedValue({ kind: "refused", lines });
  await expect(stockChange(deps, change, context)).rejects.toThrow(
    /sku 10 would have a total of 0, and 1 are reserved; and 2 more$/,
  );
});
