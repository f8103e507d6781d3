import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import type { Deps, Stock } from "./deps.ts";

/**
 * Returns how many of a SKU can be bought.
 * @throws {AppError} `not_found` when the SKU has no stock row
 */
export async function stocksInfo(
  deps: Pick<Deps, "reader">,
  sku: number,
  context: RequestContext,
): Promise<bigint> {
  const stock = await deps.reader.stocksInfo(sku, context);
  if (!stock) throw new AppError("not_found", `There is no stock of sku ${sku}`);
  return available(stock);
}

/**
 * Returns how many of each SKU can be bought, from one moment, ascending by SKU. A SKU that is
 * given several times counts once; one without a stock row is left out.
 */
export async function stocksInfoList(
  deps: Pick<Deps, "reader">,
  skus: readonly number[],
  context: RequestContext,
): Promise<{ readonly sku: number; readonly count: bigint }[]> {
  const stocks = await deps.reader.stocksInfoList([...new Set(skus)], context);
  return stocks.map((stock) => ({ sku: stock.sku, count: available(stock) }));
}

/** Never below 0: a SKU may have more reserved than there is. */
function available({ totalCount, reserved }: Stock): bigint {
  return totalCount > reserved ? totalCount - reserved : 0n;
}
