import { PRODUCTS } from "./products.ts";

interface Page {
  /** 0 begins with the first one. */
  readonly startAfterSku: number;
  readonly count: number;
}

/** At most `count` SKUs above `startAfterSku`, ascending. */
export function listSkus({ startAfterSku, count }: Page): { readonly skus: readonly number[] } {
  return { skus: [...PRODUCTS.keys()].filter((sku) => sku > startAfterSku).slice(0, count) };
}
