import type { Product } from "../../proto/product-service.ts";
import { PRODUCTS } from "./products.ts";
import { ServiceRefusal } from "./refusal.ts";

/** @throws {ServiceRefusal} 404 */
export function getProduct({ sku }: { readonly sku: number }): Product {
  const product = PRODUCTS.get(sku);
  if (!product) throw new ServiceRefusal(404, `there is no sku ${sku}`);
  return product;
}
