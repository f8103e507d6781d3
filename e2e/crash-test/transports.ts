import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { orderShortageDetail } from "../../proto/loms/v1/order-shortage.ts";
import { RequestContext } from "../../shared/async/request-context.ts";
import { toAppError } from "../../shared/errors.ts";
import { createGrpcClient } from "../../shared/grpc/client.ts";
import { createDirectFetch } from "../../shared/http-client/direct-fetch.ts";
import { STATUS_BY_CODE } from "../../shared/http/problem.ts";
import { childTraceparent } from "../../shared/telemetry/tracing.ts";
import { parseJson } from "../../shared/json.ts";
import { type Answer, readAnswer } from "./answer.ts";
import type { Line } from "./ledger.ts";

/** Longer than a service's own deadline, so that its answer arrives first. */
const REQUEST_MAX_MS = 8_000;

const directFetch = createDirectFetch();

/** The addresses of the shop. */
export interface TransportAddresses {
  readonly cart: string;
  readonly loms: string;
  /** host:port. */
  readonly lomsGrpc: string;
}

export interface NewOrder {
  readonly userId: bigint;
  readonly key: string;
  readonly items: readonly Line[];
}

/** One of the two transports of loms. */
export interface OrderTransport {
  create(order: NewOrder): Promise<Answer>;
  pay(orderId: bigint): Promise<Answer>;
  cancel(orderId: bigint): Promise<Answer>;
}

export interface CartTransport {
  add(userId: bigint, line: Line): Promise<Answer>;
  /** The total of the cart; undefined if unavailable. */
  totalPrice(userId: bigint): Promise<bigint | undefined>;
  /** Without a total the buyer accepts any. */
  checkout(userId: bigint, agreedTotal?: bigint): Promise<Answer>;
}

export interface Transports {
  readonly cart: CartTransport;
  readonly gateway: OrderTransport;
  readonly grpc: OrderTransport;
  /** The current state; undefined if unavailable. */
  status(orderId: bigint): Promise<string | undefined>;
  close(): void;
}

/** The shop over real connections. Requests never throw: a failure is an answer. */
export function openTransports({ cart, loms, lomsGrpc }: TransportAddresses): Transports {
  const grpc = openGrpc(lomsGrpc);
  return {
    cart: {
      add: (userId, { sku, count }) => post(`${cart}/user/${userId}/cart/${sku}`, { count }),
      async totalPrice(userId) {
        const answer = await send("GET", `${cart}/user/${userId}/cart/list`).catch(() => undefined);
        const total = answer?.body["total_price"];
        return total === undefined ? undefined : BigInt(total as number | bigint);
      },
      checkout: (userId, agreedTotal) =>
        post(
          `${cart}/user/${userId}/cart/checkout`,
          agreedTotal === undefined ? {} : { total_price: Number(agreedTotal) },
        ),
    },
    gateway: {
      create: ({ userId, key, items }) =>
        post(`${loms}/v1/order/create`, { user: String(userId), items }, key),
      pay: (orderId) => post(`${loms}/v1/order/pay`, { orderID: String(orderId) }),
      cancel: (orderId) => post(`${loms}/v1/order/cancel`, { orderID: String(orderId) }),
    },
    grpc: grpc.transport,
    async status(orderId) {
      const body = { orderID: String(orderId) };
      const answer = await send("POST", `${loms}/v1/order/info`, body).catch(() => undefined);
      if (answer?.status === 404) return "not found";
      return answer?.body["status"] as string | undefined;
    },
    close: grpc.close,
  };
}

function openGrpc(address: string): { readonly transport: OrderTransport; close(): void } {
  const client = createGrpcClient({
    definition: LomsDefinition,
    address,
    errorDetails: [orderShortageDetail],
  });
  async function request(
    call: (context: RequestContext) => Promise<{ readonly orderID?: bigint }>,
  ): Promise<Answer> {
    const context = new RequestContext({
      traceparent: childTraceparent(undefined),
      timeoutMs: REQUEST_MAX_MS,
    });
    try {
      return { kind: "done", orderId: (await call(context)).orderID };
    } catch (error) {
      const { code, message, shortage } = toAppError(error);
      return readAnswer(STATUS_BY_CODE[code], {
        detail: message,
        ...shortage && { order_id: shortage.orderId },
      });
    } finally {
      context.close();
    }
  }
  return {
    transport: {
      create: ({ userId, key, items }) =>
        request((context) =>
          client.call("orderCreate", { user: userId, items: [...items] }, context, {
            "idempotency-key": key,
          })
        ),
      pay: (orderID) => request((context) => client.call("orderPay", { orderID }, context)),
      cancel: (orderID) => request((context) => client.call("orderCancel", { orderID }, context)),
    },
    close: () => client.close(),
  };
}

async function post(url: string, body: object, key?: string): Promise<Answer> {
  try {
    const answer = await send("POST", url, body, key);
    return readAnswer(answer.status, answer.body);
  } catch (error) {
    return { kind: "unknown", why: (error as Error).message };
  }
}

async function send(
  method: "GET" | "POST",
  url: string,
  body?: object,
  key?: string,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const response = await directFetch(url, {
    method,
    headers: {
      ...body && { "content-type": "application/json" },
      ...key !== undefined && { "idempotency-key": key },
    },
    ...body && { body: JSON.stringify(body) },
    signal: AbortSignal.timeout(REQUEST_MAX_MS),
  });
  const text = await response.text();
  const parsed = text === "" ? {} : parseJson(text) as Record<string, unknown>;
  return { status: response.status, body: parsed };
}
