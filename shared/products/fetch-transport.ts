import { Buffer } from "node:buffer";
import type { ProductAnswer, ProductCall, ProductTransport } from "./product-call.ts";
import { ProductFault } from "./product-fault.ts";

/** A list of 50 000 SKUs takes about half of it; anything longer is not the product service. */
export const ANSWER_MAX_BYTES = 1024 * 1024;

export type Fetch = typeof globalThis.fetch;

/** Calls over HTTP; connections are kept alive by the runtime's own pool. */
export function fetchTransport(url: string, fetch: Fetch): ProductTransport {
  const base = url.replace(/\/+$/, "");
  return async (call) => {
    try {
      const response = await fetch(`${base}/${call.method}`, requestOf(call));
      return await readAnswer(response, call);
    } catch (error) {
      if (call.deadline.signal.aborted) throw call.deadline.signal.reason;
      if (error instanceof ProductFault) throw error;
      throw new ProductFault(`${call.method}: no answer`, { cause: error, passing: true });
    }
  };
}

function requestOf({ body, traceparent, deadline }: ProductCall): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", traceparent },
    body,
    signal: deadline.signal,
    // A redirect would hand the token to somebody else.
    redirect: "manual",
  };
}

async function readAnswer(response: Response, { method }: ProductCall): Promise<ProductAnswer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > ANSWER_MAX_BYTES) {
      const message = `${method}: the answer is longer than ${ANSWER_MAX_BYTES} bytes`;
      throw new ProductFault(message, { passing: false });
    }
    parts.push(part);
  }
  return {
    status: response.status,
    retryAfter: response.headers.get("retry-after") ?? undefined,
    body: Buffer.concat(parts).toString(),
  };
}
