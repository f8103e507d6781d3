import { expect, test } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import { fakeDeps } from "../deps-fixture.ts";
import type { Stock } from "./deps.ts";
import { stocksInfo } from "./stocks-info.ts";

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

test("stocksInfo() throws not_found when the SKU has no stock row", async () => {
  await expect(stocksInfo(depsAnswering(undefined), 42, context))
    .rejects.toMatchObject({ code: "not_found", message: "There is no stock of sku 42" });
});
