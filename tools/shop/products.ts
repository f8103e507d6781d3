import { UINT32_MAX } from "../../proto/loms/v1/limits.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import { itemLine } from "../list-lines.ts";
import { type Outcome, UsageError } from "../tool.ts";
import type { Shop } from "./command.ts";

/** Each needs a call to the product service, which allows ten a second. */
export const PRODUCTS_MAX = 100;
/** A page of them takes ten seconds. */
const TIMEOUT_MS = 30_000;

interface Listed {
  readonly sku: number;
  readonly name: string;
  readonly price: number;
  /** Undefined when loms has no stock row: it cannot be bought. */
  readonly available: bigint | undefined;
}

/**
 * A page of the products above the SKU `after`, from `list_skus`.
 * @throws {UsageError} if there is no such page
 */
export async function showProducts(shop: Shop, pageSize: number, after: number): Promise<Outcome> {
  if (pageSize < 1 || pageSize > PRODUCTS_MAX) throw new UsageError(`PAGE is 1 to ${PRODUCTS_MAX}`);
  if (after > UINT32_MAX) throw new UsageError(`AFTER is a SKU, at most ${UINT32_MAX}`);
  const context = backgroundContext(TIMEOUT_MS);
  try {
    const skus = await shop.products.listSkus(after, pageSize, context);
    const products = await Promise.all(skus.map(async (sku): Promise<Listed> => {
      const product = await shop.products.getProduct(sku, context);
      return { sku, name: "", price: 0, ...product, available: await availableOf(shop, sku) };
    }));
    const more = skus.length < pageSize ? [] : [`more: products ${pageSize} ${skus.at(-1)}`];
    return { data: { products }, lines: [...products.map(line), ...more] };
  } finally {
    context.close();
  }
}

async function availableOf({ loms }: Shop, sku: number): Promise<bigint | undefined> {
  try {
    const request = { body: { sku: BigInt(sku) }, throwOnError: true } as const;
    return (await loms.stocksInfo(request)).data.count;
  } catch (error) {
    if ((error as { code?: unknown }).code === "not_found") return undefined;
    throw error;
  }
}

function line({ sku, name, price, available }: Listed): string {
  const left = available === undefined ? "not sold" : `${available} left`;
  return itemLine(sku, left, `${name}, ${price}`);
}
