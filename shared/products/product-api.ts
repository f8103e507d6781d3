import type { z } from "zod";
import {
  getProductResponse,
  listSkusResponse,
  type Product,
  type ProductMethod,
} from "../../proto/product-service.ts";
import type { Deadline } from "../async/deadline.ts";
import { type ProductAnswer, ProductFault, type ProductTransport } from "./pipeline.ts";

/** The two methods of the product service, with what they take and give as types. */
export interface ProductApi {
  /** Undefined for an unknown SKU. */
  getProduct(sku: number, traceparent: string, deadline: Deadline): Promise<Product | undefined>;
  /** At most `count` SKUs above `startAfterSku`, ascending. */
  listSkus(
    startAfterSku: number,
    count: number,
    traceparent: string,
    deadline: Deadline,
  ): Promise<readonly number[]>;
}

/** Rejects with ProductFault for an answer that is not the product service's. */
export function createProductApi(send: ProductTransport, token: string): ProductApi {
  return {
    async getProduct(sku, traceparent, deadline) {
      const method = "get_product";
      const body = JSON.stringify({ token, sku });
      const answer = await send({ method, body, traceparent, deadline });
      return answer.status === 404 ? undefined : read(method, getProductResponse, answer);
    },
    async listSkus(startAfterSku, count, traceparent, deadline) {
      const method = "list_skus";
      const body = JSON.stringify({ token, startAfterSku, count });
      return read(
        method,
        listSkusResponse,
        await send({ method, body, traceparent, deadline }),
      ).skus;
    },
  };
}

function read<Schema extends z.ZodType>(
  method: ProductMethod,
  schema: Schema,
  { status, body }: ProductAnswer,
): z.output<Schema> {
  const result = schema.safeParse(status === 200 ? parseJson(body) : undefined);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.join(".") || "the body";
  throw new ProductFault(
    `${method} was answered with status ${status} and something else: ${where} is wrong`,
    { passing: false },
  );
}

/** Undefined for what is not JSON: the parser's own message would repeat the text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
