import { z } from "zod";
import { UINT32_MAX } from "./loms/v1/limits.ts";
import { skuNumber } from "./loms/v1/schemas.ts";

/** The product service's API: each call is a POST with JSON to a path of this name. */
export type ProductMethod = "get_product" | "list_skus";

const uint32 = z.number().int().min(0).max(UINT32_MAX);

export const getProductRequest = z.strictObject({ token: z.string(), sku: skuNumber });
export const getProductResponse = z.object({ name: z.string().min(1), price: uint32 });
/** A product as the product service returns it; the price is in the shop's unit of money. */
export type Product = Readonly<z.output<typeof getProductResponse>>;

export const listSkusRequest = z.strictObject({
  token: z.string(),
  startAfterSku: uint32,
  count: uint32,
});
export const listSkusResponse = z.object({ skus: z.array(skuNumber) });

/** `code` is a number in the manner of gRPC; some deployments answer with a word. */
export interface ProductServiceError {
  readonly code: number | string;
  readonly message: string;
}
