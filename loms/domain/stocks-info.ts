import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import type { Deps } from "./deps.ts";

/**
 * Returns how many of a SKU can be bought, never below 0: a SKU may have more reserved than there
 * is.
 * @throws {AppError} `not_found` when the SKU has no stock row
 */
export async function stocksInfo(
  deps: Pick<Deps, "reader">,
  sku: number,
  context: RequestContext,
): Promise<bigint> {
  const stock = await deps.reader.stocksInfo(sku, context);
  if (!stock) throw new AppError("not_found", `There is no stock of sku ${sku}`);
  const { totalCount, reserved } = stock;
  return totalCount > reserved ? totalCount - reserved : 0n;
}
