import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import type { Deps, Stock } from "./deps.ts";

/**
 * Returns the available units of a SKU.
 * @throws {AppError} `not_found` if the SKU has no stock row
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
 * Returns the available units of each SKU, consistently, ascending by SKU. Repeated SKUs count
 * once; SKUs without a stock row are omitted.
 */
export async function stocksInfoList(
  deps: Pick<Deps, "reader">,
  skus: readonly number[],
  context: RequestContext,
): Promise<{ readonly sku: number; readonly count: bigint }[]> {
  const stocks = await deps.reader.stocksInfoList([...new Set(skus)], context);
  return stocks.map((stock) => ({ sku: stock.sku, count: available(stock) }));
}

/** At least 0: a SKU may have more reserved units than it has in total. */
function available({ totalCount, reserved }: Stock): bigint {
  return totalCount > reserved ? totalCount - reserved : 0n;
}
