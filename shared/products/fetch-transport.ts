import { Buffer } from "node:buffer";
import type { Fetch } from "../http-client/direct-fetch.ts";
import {
  type ProductAnswer,
  type ProductCall,
  ProductFault,
  type ProductTransport,
} from "./pipeline.ts";

/** A list of 50 000 SKUs takes about half of it; anything longer is not the product service. */
export const ANSWER_MAX_BYTES = 1024 * 1024;

export interface FetchTransportOptions {
  /** Of the product service; the methods' names are added to its path. */
  readonly url: string;
  /** Names the caller to a product service that counts each one by itself. */
  readonly userAgent: string;
  readonly fetch: Fetch;
}

/** Calls over HTTP; `fetch` keeps the connections. */
export function fetchTransport(options: FetchTransportOptions): ProductTransport {
  const { fetch, userAgent } = options;
  const base = options.url.replace(/\/+$/, "");
  return async (call) => {
    try {
      const response = await fetch(`${base}/${call.method}`, requestOf(call, userAgent));
      return await readAnswer(response, call);
    } catch (error) {
      if (call.deadline.signal.aborted) throw call.deadline.signal.reason;
      if (error instanceof ProductFault) throw error;
      throw new ProductFault(`${call.method}: no answer`, { cause: error, passing: true });
    }
  };
}

function requestOf(
  { body, traceparent, deadline }: ProductCall,
  userAgent: string,
): RequestInit {
  const json = "application/json";
  return {
    method: "POST",
    headers: { "content-type": json, accept: json, "user-agent": userAgent, traceparent },
    body,
    signal: deadline.signal,
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
