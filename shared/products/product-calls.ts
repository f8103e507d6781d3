import { Buffer } from "node:buffer";
import type { z } from "zod";
import {
  getProductResponse,
  listSkusResponse,
  type Product,
  type ProductMethod,
} from "../../proto/product-service.ts";
import type { RateLimiter } from "../async/rate-limit.ts";
import { type Clock, type Deadline, linkAbort } from "../async/request-context.ts";
import { retry } from "../async/retry.ts";
import type { Fetch } from "../http-client/direct-fetch.ts";
import { parseRetryAfter } from "../http-client/retry-after.ts";
import {
  type ObservedCall,
  ProductTelemetry,
  type ProductTelemetryOptions,
} from "./product-telemetry.ts";

/** Leaves time for another attempt in the 5 s of a request. */
const TRY_TIMEOUT_MS = 3_500;
const RETRIES = { retriesMax: 3, backoffMs: 200, backoffMaxMs: 1_000 };
/** A list of 50,000 SKUs has about half of it; a longer answer is not from the product service. */
const ANSWER_MAX_BYTES = 1024 * 1024;
/** The statuses of throttled requests. */
const THROTTLED: readonly number[] = [420, 429];
const JSON_TYPE = "application/json";

export interface ProductCallsOptions extends ProductTelemetryOptions {
  readonly token: string;
  /** Identifies the caller to a product service that counts each client separately. */
  readonly userAgent: string;
  readonly fetch: Fetch;
  readonly limit: Pick<RateLimiter, "acquire" | "pause">;
  readonly clock: Clock;
  /** From 0 to just below 1, as Math.random. */
  readonly random: () => number;
}

interface Call extends ObservedCall {
  /** JSON, the same in every attempt. It contains the token. */
  readonly body: string;
}

interface Answer {
  readonly status: number;
  /** The `Retry-After` header. */
  readonly retryAfter: string | undefined;
  readonly body: string;
}

interface FaultFacts {
  readonly cause?: unknown;
  readonly passing: boolean;
  readonly retryAfterMs?: number | undefined;
}

/** A failed call. Its message contains nothing of the request, which has the token. */
export class ProductFault extends Error {
  override readonly name = "ProductFault";
  /** Whether the same call may succeed later. */
  readonly passing: boolean;
  /** From `Retry-After`, in ms. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, facts: FaultFacts) {
    super(message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.passing = facts.passing;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/**
 * The two methods of the product service. A call consists, from the outside in, of retries, the
 * rate limit, a timeout for each attempt, and the check of the status. It rejects with {@link
 * ProductFault} if there is no usable answer, and with the reason of the deadline's signal when
 * that aborts.
 */
export class ProductCalls {
  readonly #options: ProductCallsOptions;
  readonly #telemetry: ProductTelemetry;

  constructor(options: ProductCallsOptions) {
    this.#options = options;
    this.#telemetry = new ProductTelemetry(options);
  }

  /** Undefined for an unknown SKU. */
  async getProduct(
    sku: number,
    traceparent: string,
    deadline: Deadline,
  ): Promise<Product | undefined> {
    const method = "get_product";
    const answer = await this.#call(method, { sku }, traceparent, deadline);
    return answer.status === 404 ? undefined : read(method, getProductResponse, answer);
  }

  /** At most `count` SKUs above `startAfterSku`, ascending. */
  async listSkus(
    startAfterSku: number,
    count: number,
    traceparent: string,
    deadline: Deadline,
  ): Promise<readonly number[]> {
    const method = "list_skus";
    const answer = await this.#call(method, { startAfterSku, count }, traceparent, deadline);
    return read(method, listSkusResponse, answer).skus;
  }

  #call(
    method: ProductMethod,
    parameters: object,
    traceparent: string,
    deadline: Deadline,
  ): Promise<Answer> {
    const { token, clock, random } = this.#options;
    const body = JSON.stringify({ token, ...parameters });
    const options = { ...RETRIES, clock, random, advise };
    return this.#telemetry.call(method, traceparent, (observed) => {
      const call = { ...observed, body };
      return retry(() => this.#callOnce(call, deadline), options, deadline);
    });
  }

  /**
   * Sends a call once it has a permit, which counts from the answer at the latest. A requested
   * pause applies in full to every later call of the process.
   */
  async #callOnce(call: Call, deadline: Deadline): Promise<Answer> {
    const { limit } = this.#options;
    const permit = await this.#telemetry.permit(deadline.signal, () => limit.acquire(deadline));
    try {
      return await this.#callInTime(call, deadline);
    } catch (error) {
      const pauseMs = error instanceof ProductFault ? error.retryAfterMs : undefined;
      // Before the permit is released, which starts the next call.
      if (pauseMs !== undefined) limit.pause(pauseMs);
      throw error;
    } finally {
      permit.used();
    }
  }

  /** Aborts a slow attempt, as a temporary failure. */
  async #callInTime(call: Call, deadline: Deadline): Promise<Answer> {
    const { clock } = this.#options;
    const controller = new AbortController();
    const unlink = linkAbort(deadline.signal, controller);
    const cancelTimer = clock.setTimer(TRY_TIMEOUT_MS, () => {
      const message = `${call.method}: no answer within ${TRY_TIMEOUT_MS} ms`;
      controller.abort(new ProductFault(message, { passing: true }));
    });
    try {
      const send = () => this.#send(call, controller.signal);
      return checked(call, await this.#telemetry.try(call, send), clock);
    } finally {
      cancelTimer();
      unlink();
    }
  }

  async #send({ method, body, traceparent }: Call, signal: AbortSignal): Promise<Answer> {
    const { url, userAgent, fetch } = this.#options;
    const headers = { "content-type": JSON_TYPE, accept: JSON_TYPE };
    try {
      const response = await fetch(`${url.replace(/\/+$/, "")}/${method}`, {
        method: "POST",
        headers: { ...headers, "user-agent": userAgent, traceparent },
        body,
        signal,
      });
      return {
        status: response.status,
        retryAfter: response.headers.get("retry-after") ?? undefined,
        body: await readText(response, method),
      };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof ProductFault) throw error;
      throw new ProductFault(`${method}: no answer`, { cause: error, passing: true });
    }
  }
}

function advise(error: unknown) {
  if (!(error instanceof ProductFault) || !error.passing) return undefined;
  return { afterMs: error.retryAfterMs };
}

/** @throws {ProductFault} for every status but 200 and 404 */
function checked({ method }: Call, answer: Answer, clock: Clock): Answer {
  const { status, retryAfter } = answer;
  if (status === 200 || status === 404) return answer;
  const passing = THROTTLED.includes(status) || status >= 500;
  throw new ProductFault(`${method} was answered with status ${status}`, {
    passing,
    // A permanent failure is not retried.
    retryAfterMs: passing ? parseRetryAfter(retryAfter, clock.epochMs()) : undefined,
  });
}

async function readText(response: Response, method: ProductMethod): Promise<string> {
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
  return Buffer.concat(parts).toString();
}

function read<Schema extends z.ZodType>(
  method: ProductMethod,
  schema: Schema,
  { status, body }: Answer,
): z.output<Schema> {
  const result = schema.safeParse(status === 200 ? parseJson(body) : undefined);
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.join(".") || "the body";
  throw new ProductFault(
    `${method} was answered with status ${status} and something else: ${where} is wrong`,
    { passing: false },
  );
}

/** Undefined for invalid JSON: the parser's message would repeat the text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
