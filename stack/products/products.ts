import type { z } from "zod";
import { getProductResponse, type Product } from "../../proto/product-service.ts";
import products from "./products.json" with { type: "json" };
import { ServiceRefusal } from "./refusal.ts";

/** Ascending by SKU, as in the file. */
export const PRODUCTS: ReadonlyMap<number, Product> = new Map(
  products.map(({ sku, ...product }) => [sku, product]),
);

/** The body of `PUT /products/{sku}`; absent fields do not change. */
export const productChange = getProductResponse.partial().strict();

interface Page {
  /** 0 starts with the first one. */
  readonly startAfterSku: number;
  readonly count: number;
}

/** The products of one stand-in: {@link PRODUCTS}, until they are changed. */
export class Catalogue {
  #products = PRODUCTS;

  /** @throws {ServiceRefusal} 404 */
  readonly getProduct = ({ sku }: { readonly sku: number }): Product => {
    const product = this.#products.get(sku);
    if (!product) throw new ServiceRefusal(404, `there is no sku ${sku}`);
    return product;
  };

  /** At most `count` SKUs above `startAfterSku`, ascending. */
  readonly listSkus = ({ startAfterSku, count }: Page): { readonly skus: readonly number[] } => {
    const skus = [...this.#products.keys()].filter((sku) => sku > startAfterSku);
    return { skus: skus.slice(0, count) };
  };

  /**
   * Changes or adds a product.
   * @throws {ServiceRefusal} 404 for a new SKU without name and price
   */
  change(sku: number, change: z.output<typeof productChange>): void {
    const { name, price } = { ...this.#products.get(sku), ...change };
    if (name === undefined || price === undefined) {
      throw new ServiceRefusal(404, `there is no sku ${sku}, and a new one needs name and price`);
    }
    const changed = [...new Map(this.#products).set(sku, { name, price })];
    this.#products = new Map(changed.sort(([a], [b]) => a - b));
  }

  /** Undoes every change. */
  restore(): void {
    this.#products = PRODUCTS;
  }
}
