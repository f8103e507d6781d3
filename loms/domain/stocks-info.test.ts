import { expect, test } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { fakeDeps } from "../deps-fixture.ts";
import type { Stock } from "./deps.ts";
import { stocksInfo, stocksInfoList } from "./stocks-info.ts";

const context = new RequestContext({ traceparent: "", timeoutMs: 1, clock: new VirtualClock() });

function depsAnswering(answer: Stock | undefined) {
  const deps = fakeDeps();
  deps.reader.stocksInfo.mockResolvedValue(answer);
  return deps;
}

test.each([
  [300n, 35n, 265n],
  [100n, 100n, 0n],
  [100n, 101n, 0n],
  [2n ** 63n - 1n, 1n, 2n ** 63n - 2n],
])("stocksInfo() of %d with %d reserved is %d", async (totalCount, reserved, count) => {
  const deps = depsAnswering({ totalCount, reserved });
  expect(await stocksInfo(deps, 42, context)).toBe(count);
  expect(deps.reader.stocksInfo).toHaveBeenCalledWith(42, context);
});

test("stocksInfo() throws not_found if the SKU has no stock row", async () => {
  await expect(stocksInfo(depsAnswering(undefined), 42, context))
    .rejects.toMatchObject({ code: "not_found", message: "There is no stock of sku 42" });
});

test("stocksInfoList() reads each SKU once and returns the available units", async () => {
  const deps = fakeDeps();
  deps.reader.stocksInfoList.mockResolvedValue([
    { sku: 7, totalCount: 10n, reserved: 3n },
    { sku: 9, totalCount: 1n, reserved: 2n },
  ]);
  expect(await stocksInfoList(deps, [9, 7, 9], context)).toEqual([
    { sku: 7, count: 7n },
    { sku: 9, count: 0n },
  ]);
  expect(deps.reader.stocksInfoList).toHaveBeenCalledExactlyOnceWith([9, 7], context);
});
