import type { ProductMethod } from "../../proto/product-service.ts";
import type { Deadline } from "../async/deadline.ts";

/** One call to the product service, before it is put on the wire. */
export interface ProductCall {
  readonly method: ProductMethod;
  /** JSON; the same text goes out whole with every try. It holds the token. */
  readonly body: string;
  readonly traceparent: string;
  readonly deadline: Deadline;
}

export interface ProductAnswer {
  readonly status: number;
  /** The `Retry-After` header as it came. */
  readonly retryAfter?: string | undefined;
  readonly body: string;
}

/**
 * Sends a call and resolves with the answer of whatever status. Rejects with ProductFault when
 * there is none, or with the reason of the call's signal.
 */
export type ProductTransport = (call: ProductCall) => Promise<ProductAnswer>;

/** Something that happens around a call, on its way out and back. */
export type ProductMiddleware = (next: ProductTransport) => ProductTransport;

/** The transport inside all middlewares; the first of them is the outermost. */
export function compose(
  transport: ProductTransport,
  ...middlewares: readonly ProductMiddleware[]
): ProductTransport {
  return middlewares.reduceRight((next, middleware) => middleware(next), transport);
}
